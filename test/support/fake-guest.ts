import { generateKeyPairSync, randomBytes } from 'node:crypto';
import type { SshTarget } from '../../src/core/driver.js';
import { GuestError } from '../../src/core/errors.js';
import type {
  EngineAnswer,
  EngineProbe,
  EngineTarget,
  GuestResult,
  SshConnectOptions,
  SshConnector,
  SshKeyPair,
  SshSession,
} from '../../src/core/ports.js';

const OK: EngineAnswer = {
  ok: true,
  version: { version: '26.1.5', apiVersion: '1.45', minApiVersion: '1.24' },
};

/**
 * A guest as seen from outside: sshd, a few files, and an engine. It knows the commands that provisioning sends and nothing else:
 * an unknown one ends with 127, as in a real shell.
 */
export class FakeGuest implements SshConnector, EngineProbe {
  /** Files by path, as root sees them. */
  readonly files = new Map<string, { content: string; mode: string }>();
  /** Every command, in order, shortened to its first words. */
  readonly commands: string[] = [];
  /** Every script, whole. */
  readonly scripts: string[] = [];
  hostKey = `ssh-ed25519 ${randomBytes(32).toString('base64')}`;
  osRelease = 'ID=boot2docker\nPRETTY_NAME="Boot2Docker"\n';
  /** Answers of the engine, first one first; the last one stays. */
  engineAnswers: EngineAnswer[] = [OK];
  /** sshd answers only from this attempt on. */
  bannerAfter = 1;
  /** What `ip addr show` prints. */
  addresses = '';
  /** What `docker info` prints: storage driver, images, containers. */
  inventory = 'overlay2 3 1\n';
  /** `host:port` of what the guest can connect to; undefined: everything. */
  reachable: ReadonlySet<string> | undefined;
  readonly asked: EngineTarget[] = [];
  #banners = 0;

  async banner(): Promise<string | undefined> {
    this.#banners += 1;
    return this.#banners >= this.bannerAfter ? 'SSH-2.0-OpenSSH_10.0' : undefined;
  }

  async connect(_target: SshTarget, options: SshConnectOptions): Promise<SshSession> {
    options.signal.throwIfAborted();
    if (options.hostKey !== undefined && options.hostKey !== this.hostKey) {
      throw new GuestError({ code: 'SSH_HOST_KEY_CHANGED', message: 'another host key' });
    }
    return {
      hostKey: this.hostKey,
      run: (script, args = [], runOptions = {}) => this.#run(script, args, String(runOptions.input ?? '')),
      close: async () => undefined,
    };
  }

  async generateKey(): Promise<SshKeyPair> {
    const { privateKey } = generateKeyPairSync('ed25519');
    return {
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      publicKey: `ssh-ed25519 ${randomBytes(32).toString('base64')}\n`,
    };
  }

  async session(): Promise<number> {
    return 0;
  }

  async ping(target: EngineTarget): Promise<EngineAnswer> {
    this.asked.push(target);
    const [answer = OK] = this.engineAnswers;
    if (this.engineAnswers.length > 1) this.engineAnswers.shift();
    return answer;
  }

  version(target: EngineTarget): Promise<EngineAnswer> {
    return this.ping(target);
  }

  async #run(script: string, args: readonly string[], input: string): Promise<GuestResult> {
    this.scripts.push(script);
    this.commands.push([script.split(' ').slice(0, 3).join(' '), ...args].join(' '));
    const answer = (stdout: string, status = 0) => ({ status, stdout, stderr: '' });
    if (script === 'cat /etc/os-release') return answer(this.osRelease);
    if (script.startsWith('sudo cat ')) {
      const file = this.files.get(args[0] ?? script.split(' ')[2] ?? '');
      return answer(file?.content ?? '', file === undefined && args.length > 0 ? 1 : 0);
    }
    if (script === 'ip addr show') return answer(this.addresses);
    if (script.includes('docker.sock info')) return answer(this.inventory);
    if (script.includes('/dev/tcp/')) {
      const place = args.slice(0, 2).join(':');
      const isOpen = this.reachable === undefined || this.reachable.has(place);
      const stderr = `bash: connect: Connection refused\nbash: /dev/tcp/${place}: Connection refused\n`;
      return { status: isOpen ? 0 : 1, stdout: '', stderr: isOpen ? '' : stderr };
    }
    if (script.includes('update-ca-certificates')) {
      const gone = [...this.files.keys()].filter(
        (path) => path.includes('/tmachine-') && !args.includes(path),
      );
      for (const path of gone) this.files.delete(path);
      return answer(gone.map((path) => `removed ${path}\n`).join(''));
    }
    if (script.includes('cat >"$1.new"')) {
      this.files.set(args[0] ?? '', { content: input, mode: args[1] ?? '' });
      return answer('');
    }
    if (/sethostname|etc\/hostname|init\.d\/docker|netstat/.test(script)) return answer('');
    return answer('', 127);
  }
}
