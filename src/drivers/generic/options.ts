import type { DriverOption } from '../../core/driver.js';

export const GENERIC_OPTIONS: readonly DriverOption[] = [
  {
    name: 'generic-engine-port',
    type: 'int',
    default: 2376,
    env: 'GENERIC_ENGINE_PORT',
    help: 'Docker engine port',
  },
  {
    name: 'generic-ip-address',
    type: 'string',
    default: '',
    env: 'GENERIC_IP_ADDRESS',
    help: 'IP Address of machine',
  },
  { name: 'generic-ssh-user', type: 'string', default: 'root', env: 'GENERIC_SSH_USER', help: 'SSH user' },
  {
    name: 'generic-ssh-key',
    type: 'string',
    default: '',
    env: 'GENERIC_SSH_KEY',
    help: 'SSH private key path (if not provided, default SSH key will be used)',
  },
  { name: 'generic-ssh-port', type: 'int', default: 22, env: 'GENERIC_SSH_PORT', help: 'SSH port' },
];
