import type { FlagSpec } from './flag-spec.js';

/** Flags that several commands have alike. */

export const JSON_FLAG: FlagSpec = { name: 'json', type: 'bool', help: 'Print the answer as JSON' };

export const SHOW_SECRETS_FLAG: FlagSpec = {
  name: 'show-secrets',
  type: 'bool',
  help: 'Show passwords in URLs instead of masking them',
};

export const SWARM_FLAG: FlagSpec = {
  name: 'swarm',
  type: 'bool',
  help: 'Display the Swarm config instead of the Docker daemon',
};

export const TIMEOUT_FLAG: FlagSpec = {
  name: 'timeout',
  short: 't',
  type: 'int',
  default: 10,
  help: 'Timeout in seconds, default to 10s',
};

/** Of `create` and `set`. docker-machine has none: the engine's proxy was an --engine-env like any other. */
export const ENGINE_PROXY_FLAG: FlagSpec = {
  name: 'engine-proxy',
  type: 'string',
  help: 'Proxy of the engine: "auto" as this computer, "none", or a URL for http and https; an address of this computer is turned into the one that the guest sees',
};
