import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Command } from '@oclif/core/command';
import { Config } from '@oclif/core/config';
import type { Hook, Hooks } from '@oclif/core/interfaces';
import { PROGRAM_VERSION } from './program-version.js';

const OCLIF = { bin: 'tmachine', dirname: 'tmachine', topicSeparator: ' ' } as const;

/**
 * oclif's view of this program, known from the start: nothing is searched on disk and no process is started.
 *
 * oclif's own `load` (4.14) looks for package.json, the manifest, a theme and user plugins, and on Windows
 * asks PowerShell for the name of the parent process when SHELL is unset: about a second at every start.
 * Our commands are listed in main.ts and there are no plugins, so none of that has anything to find.
 */
class KnownConfig extends Config {
  override async load(): Promise<void> {
    this.name = OCLIF.bin;
    this.bin = OCLIF.bin;
    this.dirname = OCLIF.dirname;
    this.topicSeparator = OCLIF.topicSeparator;
    this.version = PROGRAM_VERSION;
    this.channel = 'stable';
    this.valid = true;
    this.pjson = { name: OCLIF.bin, version: PROGRAM_VERSION, oclif: { ...OCLIF } };
    this.root = this.options.root;
    this.windows = process.platform === 'win32';
    this.home = homedir();
    this.cacheDir = join(this.home, '.cache', OCLIF.dirname);
    this.configDir = join(this.home, '.config', OCLIF.dirname);
    this.dataDir = join(this.home, '.local', 'share', OCLIF.dirname);
    this.shell = 'unknown';
    this.updateConfig = { node: {} };
    this.userAgent = `${OCLIF.bin}/${PROGRAM_VERSION} ${process.platform}-${process.arch} node-${process.version}`;
  }

  /** Hooks belong to plugins; without plugins every hook has run successfully. */
  override async runHook<T extends keyof Hooks, P extends Hooks = Hooks>(): Promise<
    Hook.Result<P[T]['return']>
  > {
    return { failures: [], successes: [] };
  }
}

/** A command that can be made; oclif's own `Command.Class` type is the abstract one. */
export interface CommandClass {
  id: string;
  new (argv: string[], config: Config): Command;
}

/**
 * Runs one command with its own arguments (the command's name is already taken off).
 * Throws what the command throws, oclif's parse errors included; never prints an error and never exits.
 */
export async function runCommand(Class: CommandClass, id: string, argv: string[]): Promise<void> {
  const config = new KnownConfig({ root: '.' });
  await config.load();
  Class.id = id;
  const command = new Class(argv, config);
  // `Command.run` is the public door, but it loads a configuration of its own (see above). Behind it is this call.
  await command['_run']();
}
