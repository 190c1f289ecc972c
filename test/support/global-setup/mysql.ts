import { provide } from '../kept-servers.ts'

/** Runs once before the first test that uses MySQL, in jest's own process; such a test may use DynamoDB as well. */
export default (): Promise<void> => provide(['mysql', 'dynamodb'])
