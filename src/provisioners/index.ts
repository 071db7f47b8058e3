import type { Provisioner } from '../core/provisioner.js';
import { createBoot2DockerProvisioner } from './boot2docker.js';

/** Texts from templates/ that provisioners write into guests. */
export interface ProvisionerTemplates {
  readonly boot2dockerProfile: string;
}

/** Every provisioner, in the order in which they are asked; the first that supports the guest's system is used. */
export function createProvisioners(templates: ProvisionerTemplates): readonly Provisioner[] {
  return [createBoot2DockerProvisioner(templates.boot2dockerProfile)];
}
