import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { type GuestRoot, guestRoot } from './guest-root.js';

const run = promisify(execFile);
const RTC = 'sys/class/rtc/rtc0/since_epoch';
const NOW = 1_800_000_000;
// A network of its own, where port 123 is free and the clock's servers on the internet cannot be reached.
const UNSHARE = process.getuid?.() === 0 ? ['-n'] : ['-rn'];

/** Stands in for what would change this computer: the clock is a file, minutes pass at once. */
const SCENE = `
date() {
  case $1 in
    +%s) cat "$TMACHINE_ROOT/clock" ;;
    -s) echo "$2" >>"$TMACHINE_ROOT/set"; printf '%s\\n' "\${2#@}" >"$TMACHINE_ROOT/clock" ;;
    *) echo today ;;
  esac
}
sleep() { . "$TMACHINE_ROOT/minute"; }
export -f date sleep
busybox ip link set lo up
coproc SERVER { exec "$NODE" "$TMACHINE_ROOT/server.cjs"; }
read -r ready <&"\${SERVER[0]}"
bash "$TMACHINE_ROOT/usr/lib/tmachine/keep-time"
kill "$SERVER_PID"
`;

/** An NTP server on 127.0.0.1 that says a time (seconds since 1970) and its stratum. */
const server = (time: number, stratum: number) => `
const socket = require('node:dgram').createSocket('udp4');
socket.on('message', (question, from) => {
  if (question.length !== 48 || question[0] !== 0x1b) return;
  const answer = Buffer.alloc(48);
  answer[0] = 0x1c;
  answer[1] = ${stratum};
  answer.writeUInt32BE(${time} + 2208988800, 40);
  socket.send(answer, from.port, from.address);
});
socket.bind(123, '127.0.0.1', () => console.log('ready'));
`;

describe('the clock of the guest (P30)', () => {
  let root: GuestRoot;
  beforeEach(async () => {
    root = await guestRoot();
    await mkdir(root.at('var/lib/boot2docker/log'), { recursive: true });
    await root.write('clock', `${NOW}\n`);
    await root.write(RTC, `${NOW}\n`);
    await root.write('run/tmachine/ntp.eth0', '127.0.0.1\n');
    await root.write('minute', 'return 1\n');
  });
  afterEach(() => root.remove());

  /** Runs keep-time until minutes are over; resolves to how often and to what the clock was set. */
  async function clockSet(time: number, stratum: number): Promise<string[]> {
    await writeFile(root.at('server.cjs'), server(time, stratum));
    const env = { ...process.env, TMACHINE_ROOT: root.path, NODE: process.execPath };
    await run('unshare', [...UNSHARE, 'bash', '-c', SCENE], { env, timeout: 15_000 });
    return (await root.read('set').catch(() => '')).split('\n').filter((line) => line !== '');
  }

  test('P30: a clock that is off is set by the server that the lease names', async () => {
    expect(await clockSet(NOW + 3600, 2)).toEqual([`@${NOW + 3600}`]);
    expect(await root.read('var/lib/boot2docker/log/ntp.log')).toBe(
      'today set by 127.0.0.1, was -3600 s off\n',
    );
  });

  test('it is set back as well, when it is ahead', async () => {
    expect(await clockSet(NOW - 3600, 2)).toEqual([`@${NOW - 3600}`]);
  });

  test('a second more or less is left alone', async () => {
    expect(await clockSet(NOW + 1, 2)).toEqual([]);
  });

  test.each([0, 16])(
    'a server that does not know the time itself (stratum %i) is not believed',
    async (stratum) => {
      expect(await clockSet(NOW + 3600, stratum)).toEqual([]);
    },
  );

  test('P30: after the host slept, the clock follows the hardware clock within a minute', async () => {
    await root.write(
      'minute',
      `[ -f "$TMACHINE_ROOT/slept" ] && return 1
: >"$TMACHINE_ROOT/slept"; echo ${NOW + 7200} >"$TMACHINE_ROOT/${RTC}"\n`,
    );
    expect(await clockSet(NOW, 0)).toEqual([`@${NOW + 7200}`]);
    expect(await root.read('var/lib/boot2docker/log/ntp.log')).toBe(
      'today set by the hardware clock, was 7200 s behind\n',
    );
  });

  test('a hardware clock in another time zone is no reason to set anything', async () => {
    await root.write(RTC, `${NOW - 7200}\n`);
    await root.write('minute', '[ -f "$TMACHINE_ROOT/once" ] && return 1; : >"$TMACHINE_ROOT/once"\n');
    expect(await clockSet(NOW, 2)).toEqual([]);
  });
});
