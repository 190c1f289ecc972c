import { Grant, type IGrantable } from 'aws-cdk-lib/aws-iam'
import type {
  DlqDestinationConfig,
  IEventSourceDlq,
  IEventSourceMapping,
  IFunction,
} from 'aws-cdk-lib/aws-lambda'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import { CfnResource, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib/core'
import { Construct } from 'constructs'
import { ENDED, FILED } from '../../functions/bridge/undelivered/object-keys.ts'
import type { Settings } from '../settings.ts'

/** Where Lambda files what it could not deliver. */
const prefix = `${FILED}*`

export interface FailureBucketProps {
  readonly settings: Settings
}

/**
 * Keeps the batches that an event source mapping gave up on, whole. (A queue would get a pointer into the stream,
 * and the stream forgets after 24 hours.) Use it as `onFailure` of a mapping. A batch is there until somebody redrives or
 * drops it with `backsync undelivered`; what has been ended so is forgotten after 90 days.
 *
 * It isn't emptied with the stack, also in dev: a bucket that holds undelivered changes refuses to be deleted.
 */
export class FailureBucket extends Construct implements IEventSourceDlq {
  readonly bucket: Bucket

  constructor(scope: Construct, id: string, props: FailureBucketProps) {
    super(scope, id)
    this.bucket = new Bucket(this, 'Bucket', {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        { prefix: ENDED, expiration: Duration.days(90) },
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
      ],
      removalPolicy: props.settings.policy.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    })
    Validations.of(this.bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason:
        'Written by Lambda alone and read by operators; CloudTrail data events are the place to audit that, and a bucket of access logs would need the same acknowledgement.',
    })
  }

  /** What a function needs that tells it where the bucket is. */
  get environment(): Readonly<Record<string, string>> {
    return { FAILURE_BUCKET: this.bucket.bucketName }
  }

  /** Lets the grantee see which batches are filed, but neither read nor change one. */
  grantList(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee,
      actions: ['s3:ListBucket'],
      resourceArns: [this.bucket.bucketArn],
      conditions: { StringLike: { 's3:prefix': [prefix] } },
    })
  }

  /**
   * Grants what Lambda asks of the function's role, and no right to read what was filed.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/kinesis-on-failure-destination.html
   */
  bind(_mapping: IEventSourceMapping, handler: IFunction): DlqDestinationConfig {
    Grant.addToPrincipal({
      grantee: handler,
      actions: ['s3:PutObject'],
      resourceArns: [this.bucket.arnForObjects(prefix)],
    })
    Grant.addToPrincipal({
      grantee: handler,
      actions: ['s3:ListBucket'],
      resourceArns: [this.bucket.bucketArn],
    })
    const resource = this.bucket.node.defaultChild
    if (CfnResource.isCfnResource(resource)) {
      const { logicalId } = resource
      Validations.of(handler.role ?? handler).acknowledge({
        id: `AwsSolutions-IAM5[Resource::<${Stack.of(this).resolve(logicalId)}.Arn>/${prefix}]`,
        reason:
          'Lambda names each object after shard and time; the prefix is its own, and the right is to add only.',
      })
    }
    return { destination: this.bucket.bucketArn }
  }
}
