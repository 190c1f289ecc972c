import { provide } from '../kept-servers.ts'

/** Runs once before the first test that uses DynamoDB, in jest's own process. */
export default (): Promise<void> => provide(['dynamodb'])
