/*
 * The CDK's own validation of a template takes four times as long as a synthesis. Whoever synthesises in a test goes without,
 * as `npm start` does; the tests of `cdk synth`, in a process with an environment of its own, have it.
 */
process.env.CDK_VALIDATION ??= 'false'
