import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Invocation, type Outcome, PROGRAM, runProgram } from './cli.js';
import type { Lack } from './describe-here.js';

const LAB = process.env['VBOX_LAB'] ?? '/opt/vbox-lab';
const VBOXMANAGE = join(LAB, 'bin', 'VBoxManage');

/** Why the real VirtualBox (test/lab/virtualbox) cannot be used here; undefined when it can. What `setup` needs itself cannot be mended. */
export function noVirtualBoxLab(): Lack | undefined {
  if (!existsSync('/etc/debian_version')) return { why: 'this is not Debian', isMendable: false };
  if (process.getuid?.() !== 0) return { why: 'the VirtualBox lab needs root', isMendable: false };
  if (!existsSync(join(LAB, 'sid', '.complete')) || !existsSync(VBOXMANAGE)) {
    return { why: 'the VirtualBox lab is not set up: test/lab/virtualbox/setup', isMendable: true };
  }
  const { status, stdout, stderr } = spawnSync(VBOXMANAGE, ['--version'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  if (status === 0) return undefined;
  return { why: `the VirtualBox lab does not answer: ${stdout}${stderr}`, isMendable: true };
}

/** One machine as `showvminfo --machinereadable` tells of it, by key. */
export type VmInfo = Readonly<Record<string, string>>;

/**
 * A VirtualBox of the test's own: registry, VBoxSVC, network namespace (adapters, ports), and a `tmachine` that uses it.
 * Every call of VBoxManage by tmachine is counted.
 */
export class VirtualBoxLab {
  /** The store of `tmachine`. */
  readonly store: string;
  /** The lab's own folder. */
  readonly directory: string;
  readonly #id: string;
  readonly #calls: string;
  readonly #environment: Readonly<Record<string, string>>;

  private constructor(directory: string, id: string) {
    this.directory = directory;
    this.#id = id;
    this.store = join(directory, 'store');
    this.#calls = join(directory, 'calls');
    this.#environment = {
      PATH: `${join(directory, 'bin')}:${process.env['PATH'] ?? ''}`,
      HOME: directory,
      VBOX_USER_HOME: join(directory, 'virtualbox'),
      VBOX_IPC_SOCKETID: id,
    };
  }

  static async open(): Promise<VirtualBoxLab> {
    const directory = await mkdtemp('/var/tmp/tm-vbox-');
    const lab = new VirtualBoxLab(directory, `tmvb${directory.slice(-6)}`);
    mkdirSync(join(directory, 'bin'));
    writeFileSync(lab.#calls, '');
    writeFileSync(join(directory, 'bin', 'VBoxManage'), lab.#shim(), { mode: 0o755 });
    command('ip', ['netns', 'add', lab.#id]);
    command('ip', ['-n', lab.#id, 'link', 'set', 'lo', 'up']);
    return lab;
  }

  /** The VBoxManage that tmachine finds: notes the call and hands it on, unless `killAt` or `answerStates` says otherwise. */
  #shim(): string {
    return `#!/bin/sh
printf '%s\\n' "$*" >>'${this.#calls}'
if [ -e '${this.#killAt}' ] && read -r at when <'${this.#killAt}' && [ "$(wc -l <'${this.#calls}')" -eq "$at" ]; then
  rm '${this.#killAt}'
  kill -9 $PPID
  [ "$when" = during ] || exit 1
fi
if [ "$1" = showvminfo ] && [ -e '${this.#answer}' ]; then
  exec cat '${this.#answer}'
fi
exec '${VBOXMANAGE}' "$@"
`;
  }

  get #killAt(): string {
    return join(this.directory, 'kill-at');
  }

  get #answer(): string {
    return join(this.directory, 'answer');
  }

  /** What tmachine is told, with exit code 0, of every machine that it asks for; undefined: the truth again. */
  answerStates(text: string | undefined): void {
    if (text === undefined) rmSync(this.#answer, { force: true });
    else writeFileSync(this.#answer, text);
  }

  /**
   * The next tmachine is killed (SIGKILL) at its n-th call of VBoxManage: before it, so that the call is never made, or during it, so that the
   * call goes on alone.
   */
  killAt(call: number, when: 'before' | 'during'): void {
    this.calls();
    writeFileSync(this.#killAt, `${call} ${when}\n`);
  }

  /** Whoever was to be killed and was not reached is left alone from now on. */
  spare(): void {
    rmSync(this.#killAt, { force: true });
  }

  /**
   * Runs a `create` or `start` whose guest will never answer, up to the point where only the guest is missing, and interrupts it there
   * (Ctrl-C). What it does before that is all that VirtualBox has a part in.
   */
  untilGuest(args: readonly string[], invocation: Invocation = {}): Promise<Outcome> {
    let isSent = false;
    return this.tmachine(args, {
      ...invocation,
      onStdout: (all, kill) => {
        if (isSent || !all.includes('Waiting for SSH to be available...')) return;
        isSent = true;
        kill('SIGINT');
      },
    });
  }

  /** Makes the record of a machine that `untilGuest` left half-made one of a finished machine, as far as VirtualBox goes. */
  finish(machine: string): void {
    const file = join(this.store, 'machines', machine, 'tmachine.json');
    const { journal: _, ...notes } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(notes));
  }

  /** A word of this lab's own. */
  get name(): string {
    return this.#id;
  }

  /** What `nsenter` needs before a program, to start it in this lab's network. */
  get entry(): readonly string[] {
    return [`--net=/run/netns/${this.#id}`, '--'];
  }

  /** Runs any program in this lab. */
  run(file: string, args: readonly string[], invocation: Invocation = {}): Promise<Outcome> {
    const all = [...this.entry, file, ...args];
    return runProgram('nsenter', all, { ...invocation, env: { ...this.#environment, ...invocation.env } });
  }

  /** Runs the built program in this lab. */
  tmachine(args: readonly string[], invocation: Invocation = {}): Promise<Outcome> {
    const env = { MACHINE_STORAGE_PATH: this.store, ...invocation.env };
    return this.run(process.execPath, [PROGRAM, ...args], { timeoutMs: 120_000, ...invocation, env });
  }

  /** Runs VBoxManage beside tmachine, uncounted; fails when it does. */
  async vboxmanage(...args: readonly string[]): Promise<string> {
    const { status, stdout, stderr } = await this.run(VBOXMANAGE, args);
    if (status !== 0) throw new Error(`VBoxManage ${args.join(' ')} ended with ${status}: ${stderr}`);
    return stdout;
  }

  async info(machine: string): Promise<VmInfo> {
    const ask = () => this.vboxmanage('showvminfo', machine, '--machinereadable');
    // While a machine starts or stops, VBoxManage fails now and then (fixtures/vboxmanage/7.2-linux/transient-*.json).
    const text = await ask().catch(ask).catch(ask).catch(ask);
    const pairs = text.matchAll(/^"?([^"=]+)"?="?(.*?)"?$/gm);
    return Object.fromEntries([...pairs].map(([, key, value]) => [key, value]));
  }

  /** All that VirtualBox knows of: after `rm` nothing of a machine may be left in it. */
  async inventory(): Promise<
    Readonly<Record<'machines' | 'disks' | 'adapters' | 'fixedAddresses', readonly string[]>>
  > {
    const found = (text: string, pattern: RegExp) =>
      [...text.matchAll(pattern)].map((match) => match[1] ?? '');
    return {
      machines: found(await this.vboxmanage('list', 'vms'), /^"(.*)" \{/gm),
      disks: found(await this.vboxmanage('list', 'hdds'), /^Location: +(.*)$/gm),
      adapters: found(await this.vboxmanage('list', 'hostonlyifs'), /^Name: +(.*)$/gm),
      fixedAddresses: found(await this.vboxmanage('list', 'dhcpservers'), /^ +Fixed Address: +(.*)$/gm),
    };
  }

  /** The addresses that the DHCP server of an adapter has given. */
  leases(adapter: string): readonly string[] {
    const file = join('/run/vbox-lab', this.#inode(), `${adapter}.leases`);
    if (!existsSync(file)) return [];
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return lines.map((line) => line.split(' ')[2] ?? '');
  }

  /** The text of a file in this lab's folder; empty while there is none. */
  async read(file: string): Promise<string> {
    const path = join(this.directory, file);
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  #inode(): string {
    return command('stat', ['-L', '-c', '%i', `/run/netns/${this.#id}`]).trim();
  }

  /** The calls of VBoxManage that tmachine made since the last question. */
  calls(): readonly string[] {
    const lines = readFileSync(this.#calls, 'utf8').split('\n').filter(Boolean);
    writeFileSync(this.#calls, '');
    return lines;
  }

  /** The processes of this VirtualBox by program: `VBoxSVC`, `VBoxHeadless`. */
  pids(program: string): readonly number[] {
    const inside = command('ip', ['netns', 'pids', this.#id]).split('\n').filter(Boolean).map(Number);
    return inside.filter((pid) => nameOf(pid) === program);
  }

  /** Ends all that runs in this lab and takes it away. */
  async close(): Promise<void> {
    const inside = command('ip', ['netns', 'pids', this.#id]).split('\n').filter(Boolean).map(Number);
    for (const pid of inside) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself.
      }
    }
    const inode = this.#inode();
    command('ip', ['netns', 'delete', this.#id]);
    await rm(join('/run/vbox-lab', inode), { recursive: true, force: true });
    await rm(`/tmp/.vbox-${this.#id}-ipc`, { recursive: true, force: true });
    await rm(this.directory, { recursive: true, force: true, maxRetries: 5 });
  }
}

function nameOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function command(file: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8', timeout: 30_000 });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return stdout;
}
