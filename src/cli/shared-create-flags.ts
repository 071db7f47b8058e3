import type { FlagSpec } from './flag-spec.js';
import { ENGINE_PROXY_FLAG } from './shared-flags.js';

/** Where the boot image comes from, for commands that get one. The original has neither. */
export const IMAGE_FLAGS: readonly FlagSpec[] = [
  {
    name: 'image-mirror',
    type: 'slice',
    env: 'MACHINE_IMAGE_MIRROR',
    help: 'Another URL of the boot image, asked when the one before fails',
  },
  {
    name: 'image-digest',
    type: 'string',
    env: 'MACHINE_IMAGE_DIGEST',
    help: 'SHA-256 that the boot image must have',
  },
];

/** The flags of `create` that every driver shares (contract: cli.md section 4). */
export const SHARED_CREATE_FLAGS: readonly FlagSpec[] = [
  {
    name: 'driver',
    short: 'd',
    type: 'string',
    env: 'MACHINE_DRIVER',
    help: 'Driver to create machine with; without it VirtualBox where it is usable, else QEMU',
  },
  {
    name: 'engine-install-url',
    type: 'string',
    default: 'https://get.docker.com',
    env: 'MACHINE_DOCKER_INSTALL_URL',
    help: 'Custom URL to use for engine installation',
  },
  {
    name: 'engine-opt',
    type: 'slice',
    help: 'Specify arbitrary flags to include with the created engine in the form flag=value',
  },
  {
    name: 'engine-insecure-registry',
    type: 'slice',
    help: 'Specify insecure registries to allow with the created engine',
  },
  {
    name: 'engine-registry-mirror',
    type: 'slice',
    env: 'ENGINE_REGISTRY_MIRROR',
    help: 'Specify registry mirrors to use',
  },
  { name: 'engine-label', type: 'slice', help: 'Specify labels for the created engine' },
  {
    name: 'engine-storage-driver',
    type: 'string',
    help: 'Specify a storage driver to use with the engine',
  },
  {
    name: 'engine-env',
    type: 'slice',
    help: 'Specify environment variables to set in the engine',
  },
  ENGINE_PROXY_FLAG,
  { name: 'swarm', type: 'bool', help: 'Configure Machine to join a Swarm cluster' },
  {
    name: 'swarm-image',
    type: 'string',
    default: 'swarm:latest',
    env: 'MACHINE_SWARM_IMAGE',
    help: 'Specify Docker image to use for Swarm',
  },
  { name: 'swarm-master', type: 'bool', help: 'Configure Machine to be a Swarm master' },
  { name: 'swarm-discovery', type: 'string', help: 'Discovery service to use with Swarm' },
  {
    name: 'swarm-strategy',
    type: 'string',
    default: 'spread',
    help: 'Define a default scheduling strategy for Swarm',
  },
  { name: 'swarm-opt', type: 'slice', help: 'Define arbitrary flags for Swarm master' },
  { name: 'swarm-join-opt', type: 'slice', help: 'Define arbitrary flags for Swarm join' },
  {
    name: 'swarm-host',
    type: 'string',
    default: 'tcp://0.0.0.0:3376',
    help: 'ip/socket to listen on for Swarm master',
  },
  {
    name: 'swarm-addr',
    type: 'string',
    help: 'addr to advertise for Swarm (default: detect and use the machine IP)',
  },
  { name: 'swarm-experimental', type: 'bool', help: 'Enable Swarm experimental features' },
  { name: 'tls-san', type: 'slice', help: 'Support extra SANs for TLS certs' },
  ...IMAGE_FLAGS,
];
