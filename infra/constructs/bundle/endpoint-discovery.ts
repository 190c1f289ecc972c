/**
 * Stands for `@aws-sdk/middleware-endpoint-discovery` in the functions' bundles. The DynamoDB client only hands its
 * settings around: none of its commands discovers an endpoint, but what would remember them is 9 KB.
 */
export const NODE_ENDPOINT_DISCOVERY_CONFIG_OPTIONS = {
  environmentVariableSelector: (): undefined => undefined,
  configFileSelector: (): undefined => undefined,
  default: undefined,
}

export const resolveEndpointDiscoveryConfig = <T extends object>(config: T): T => config
