import { resolve } from 'node:path';
import type { CreateRequest } from '../core/actions/create.js';
import { initialSettings } from '../core/actions/initial-settings.js';
import { TmachineError, UsageError } from '../core/errors.js';
import { type HostOptionsRequest, makeHostOptions } from '../core/host-options.js';
import type { JsonObject } from '../core/json.js';
import { BaseCommand } from './base-command.js';
import { driverOptions } from './driver-options.js';
import { NETWORK_FLAGS } from './network-flags.js';

/** A command that may make a machine: it has the flags of `create` and reads them alike. */
export abstract class CreatingCommand extends BaseCommand {
  /** What the flags ask for. Throws UsageError, and what the choice of a driver throws. */
  protected async createRequest(name: string): Promise<CreateRequest> {
    const request = this.hostOptionsRequest();
    const driverName = await this.driverName();
    const driver = this.app.driver(driverName);
    const { layout } = this.app.store;
    const settings = this.driverSettings(driver, { name, storePath: layout.root });
    const initial = await initialSettings(
      this.app,
      { driver, settings, hostOptions: makeHostOptions(layout, name, request) },
      {
        engineProxy: this.text('engine-proxy'),
        caCert: this.text('ca-cert'),
        caCertFrom: this.originOf('ca-cert'),
      },
      this.call,
    );
    return {
      name,
      driverName,
      settings,
      ...initial,
      request: this.asData(driverName),
      programName: this.programName,
    };
  }

  /** The driver asked for, else the best that this computer can run, with the reason in one line. */
  private async driverName(): Promise<string> {
    if (this.given.has('driver')) {
      driverOptions(this.text('driver')); // turns an unknown one away in the words that are `create`'s own
      return this.text('driver');
    }
    const { name, reason, isUsual } = await this.world.chooseDriver();
    if (isUsual !== true) this.call.reporter.step(reason);
    return name;
  }

  private driverSettings(
    driver: ReturnType<CreatingCommand['app']['driver']>,
    machine: { readonly name: string; readonly storePath: string },
  ): ReturnType<typeof driver.parseOptions> {
    try {
      return driver.parseOptions(this.flagValues, machine);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new UsageError({
        code: error.code,
        verbatim: true,
        message: `Error setting machine configuration from flags provided: ${error.message}`,
        reason: error.reason,
        nextSteps: error.nextSteps,
        cause: error,
      });
    }
  }

  private hostOptionsRequest(): HostOptionsRequest {
    const discovery = this.text('swarm-discovery');
    if (discovery !== '' && !/^[^:]*:\/\/./.test(discovery)) {
      throw new TmachineError({
        code: 'SWARM_DISCOVERY_INVALID',
        verbatim: true,
        message: `Error parsing swarm discovery: Swarm Discovery URL was in the wrong format: ${discovery}`,
        nextSteps: ['for example: --swarm-discovery token://1234'],
      });
    }
    return {
      engine: {
        ArbitraryFlags: this.list('engine-opt'),
        Env: this.list('engine-env'),
        InsecureRegistry: this.list('engine-insecure-registry'),
        Labels: this.list('engine-label'),
        RegistryMirror: this.list('engine-registry-mirror'),
        StorageDriver: this.text('engine-storage-driver'),
        InstallURL: this.text('engine-install-url'),
      },
      swarm: {
        IsSwarm: this.isOn('swarm') || this.isOn('swarm-master'),
        Address: this.text('swarm-addr'),
        Discovery: discovery,
        Agent: this.isOn('swarm'),
        Master: this.isOn('swarm-master'),
        Host: this.text('swarm-host'),
        Image: this.text('swarm-image'),
        Strategy: this.text('swarm-strategy'),
        ArbitraryFlags: this.list('swarm-opt'),
        ArbitraryJoinFlags: this.list('swarm-join-opt'),
        IsExperimental: this.isOn('swarm-experimental'),
      },
      mirrorsFrom: this.originOf('engine-registry-mirror'),
      sans: this.list('tls-san'),
      tls: {
        caCert: this.givenPath('tls-ca-cert'),
        caKey: this.givenPath('tls-ca-key'),
        clientCert: this.givenPath('tls-client-cert'),
        clientKey: this.givenPath('tls-client-key'),
      },
    };
  }

  /** Absolute: what is stored is read by later commands, which run elsewhere. */
  private givenPath(flag: string): string | undefined {
    return this.given.has(flag) ? resolve(this.text(flag)) : undefined;
  }

  /** What was asked for, to tell whether a later `create` goes on with the same machine. */
  private asData(driverName: string): JsonObject {
    const flags = [...this.given].filter((flag) => !NOT_OF_THE_MACHINE.has(flag)).sort();
    return {
      driver: driverName,
      ...Object.fromEntries(flags.map((flag) => [flag, this.flagValues[flag] ?? null])),
    };
  }
}

/** Flags of the program and of this run; they may differ when a `create` goes on. */
const NOT_OF_THE_MACHINE = new Set([
  'driver',
  'debug',
  'storage-path',
  'github-api-token',
  'native-ssh',
  'bugsnag-api-token',
  // A certificate is for downloads and for the guest.
  ...NETWORK_FLAGS.map((flag) => flag.name).filter((name) => name !== 'ca-cert'),
  'image-mirror',
]);
