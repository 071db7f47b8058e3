import { GuestError } from '../core/errors.js';
import type { TrustedCertificate } from '../core/machine.js';
import type { GuestResult, GuestShell } from '../core/ports.js';
import type { EnginePlan, GuestFile, OsRelease, Provisioner } from '../core/provisioner.js';
import { mountVboxsf } from './vboxsf.js';

const HOME = '/var/lib/boot2docker';

/** Left in the guest once its engine was seen: a provisioning that was cut off after it stopped the engine must not wait again. */
const STARTED_ONCE = `${HOME}/.engine-started-once`;

/** Minutes, not seconds: interpreted guests take them (containerd 39 s, dockerd 4 min were seen). */
const FIRST_START_SECONDS = 600;
const FIRST_START = `[ -e ${HOME}/profile ] || [ -e ${STARTED_ONCE} ] && exit 0
seconds=0
until (netstat -tln 2>/dev/null || ss -tln) | grep -q ":$1 "; do
  seconds=$((seconds + 1))
  [ "$seconds" -gt "$2" ] && exit 1
  sleep 1
done
sudo touch ${STARTED_ONCE}`;

/**
 * The guest's own wait of 30 s is too short for an interpreted one, and its verdict is not asked: what counts is that the engine has ended, for a start
 * is refused before.
 */
const STOP_SECONDS = 600;
const STOP = `sudo /etc/init.d/docker stop
seconds=0
while sudo /etc/init.d/docker status >/dev/null 2>&1; do
  seconds=$((seconds + 1))
  [ "$seconds" -gt "$1" ] && exit 1
  sleep 1
done`;
const START = 'sudo /etc/init.d/docker start';
/** An engine without its bridge makes it anew: its address may be another one now. */
const REMOVE_BRIDGE = 'ip link show docker0 >/dev/null 2>&1 && sudo ip link delete docker0; true';
const SERVICE = {
  start: START,
  stop: `${STOP}\n${REMOVE_BRIDGE}`,
  restart: `${STOP}\n${START}`,
};

/**
 * Takes away what an earlier plan left (its arguments stay), then makes the guest's list anew: our image reads certs/ itself, stock
 * boot2docker only when it boots.
 */
const TRUST = `sudo sh -c '
removed=
for file in ${HOME}/certs/tmachine-*.pem ${HOME}/etc/docker/certs.d/*/tmachine-*.crt; do
  [ -e "$file" ] || continue
  for kept in "$@"; do [ "$file" != "$kept" ] || continue 2; done
  rm -f "$file" && removed=yes && echo "removed $file"
  rmdir "\${file%/*}" 2>/dev/null
done
[ -n "$removed$*" ] || exit 0
if [ ! -d /usr/lib/tmachine ]; then
  local=/usr/local/share/ca-certificates
  mkdir -p $local && rm -f $local/tmachine-*.crt
  for file in ${HOME}/certs/tmachine-*.pem; do
    [ ! -e "$file" ] || cp "$file" "$local/$(basename "$file" .pem).crt"
  done
fi
update-ca-certificates >/dev/null' sh "$@"`;

/**
 * boot2docker and the project's own guest image, which keeps the same places and commands.
 * `profileTemplate` is templates/boot2docker-profile.
 */
export function createBoot2DockerProvisioner(profileTemplate: string): Provisioner {
  return {
    name: 'boot2docker',
    supports: (os: OsRelease) => os.ID === 'boot2docker',
    mountFolder: mountVboxsf,

    engineFiles: (plan: EnginePlan): readonly GuestFile[] => [
      { path: `${HOME}/ca.pem`, mode: 0o644, content: plan.ca },
      { path: `${HOME}/server.pem`, mode: 0o644, content: plan.serverCertificate },
      { path: `${HOME}/server-key.pem`, mode: 0o600, content: plan.serverKey },
      { path: `${HOME}/profile`, mode: 0o600, content: renderProfile(profileTemplate, plan) },
      ...(plan.trusted ?? []).map((it) => ({ path: certificatePath(it), mode: 0o644, content: it.pem })),
    ],

    async trust(shell, plan) {
      const kept = (plan.trusted ?? []).map(certificatePath);
      const result = await must(shell, 'make the certificates known', TRUST, kept, { timeoutMs: 120_000 });
      return result.stdout.includes('removed ');
    },

    async setHostname(shell, name) {
      await must(shell, 'set the host name', 'sudo /usr/bin/sethostname "$1"', [name]);
      await must(
        shell,
        'keep the host name',
        'sudo mkdir -p /var/lib/boot2docker/etc && echo "$1" | sudo tee /var/lib/boot2docker/etc/hostname >/dev/null',
        [name],
      );
    },

    // The engine is part of the image. Without a profile it starts by itself with certificates of its own: that start must be over, or
    // it would overtake the stop that follows (docker-machine waits for the port too, 30 s).
    async installEngine(shell, plan) {
      const options = { timeoutMs: (FIRST_START_SECONDS + 30) * 1000 };
      const args = [String(plan.port), String(FIRST_START_SECONDS)];
      await must(shell, 'see the engine start for the first time', FIRST_START, args, options);
    },

    async service(shell, action) {
      const options = { timeoutMs: (STOP_SECONDS + 60) * 1000 };
      await must(shell, `${action} the engine`, SERVICE[action], [String(STOP_SECONDS)], options);
    },
  };
}

/** Read at every boot: by the guest's own list of authorities, or by the engine for one registry. */
function certificatePath({ name, registry }: TrustedCertificate): string {
  return registry === undefined
    ? `${HOME}/certs/tmachine-${name}.pem`
    : `${HOME}/etc/docker/certs.d/${registry}/tmachine-${name}.crt`;
}

/** The order of the options is the contract's: labels, provider, registries, mirrors, free options. */
function engineArguments(plan: EnginePlan): string[] {
  const { engine } = plan;
  return [
    ...(engine.Labels ?? []).map((label) => `--label ${label}`),
    `--label provider=${plan.driverName}`,
    ...(engine.InsecureRegistry ?? []).map((registry) => `--insecure-registry ${registry}`),
    ...(engine.RegistryMirror ?? []).map((mirror) => `--registry-mirror ${mirror}`),
    ...(engine.ArbitraryFlags ?? []).map((flag) => `--${flag}`),
  ];
}

function renderProfile(template: string, plan: EnginePlan): string {
  const values: Record<string, string> = {
    arguments: engineArguments(plan).map(insideSingleQuotes).join('\n'),
    port: String(plan.port),
    storageDriver: plan.engine.StorageDriver === '' ? 'overlay2' : plan.engine.StorageDriver,
    exports: (plan.engine.Env ?? []).map((entry) => `export "${insideDoubleQuotes(entry)}"`).join('\n'),
  };
  return template.replace(/\{\{(\w+)\}\}/g, (_, key: string) => values[key] ?? '');
}

/** docker-machine writes values unescaped and lets the shell interpret them; here they arrive as they were given. */
function insideSingleQuotes(text: string): string {
  return text.replaceAll("'", "'\\''");
}

function insideDoubleQuotes(text: string): string {
  return text.replace(/[\\"$`]/g, '\\$&');
}

async function must(
  shell: GuestShell,
  what: string,
  script: string,
  args: readonly string[] = [],
  options: { readonly timeoutMs?: number } = {},
): Promise<GuestResult> {
  const result = await shell.run(script, args, options);
  if (result.status !== 0) {
    throw new GuestError({
      code: 'GUEST_COMMAND_FAILED',
      message: `Could not ${what} in the guest`,
      reason: (result.stderr || result.stdout).trim().split('\n').at(-1) || `exit code ${result.status}`,
      nextSteps: ['look at the engine and the disk in the guest with: tmachine ssh NAME'],
    });
  }
  return result;
}
