import { describe, expect, test } from '@jest/globals';
import {
  hardwareFinding,
  linuxVirtualization,
  lookAtHardware,
  macVirtualization,
  windowsVirtualization,
} from '../../../src/drivers/virtualbox/hardware.js';
import { dialectOf, parseVersion } from '../../../src/drivers/virtualbox/version.js';
import { FakeProcesses } from '../../support/fake-processes.js';
import { testPorts } from '../../support/virtualbox-ports.js';

const signal = new AbortController().signal;
const ONE_TEXT = "This computer doesn't have VT-X/AMD-v enabled. Enabling it in the BIOS is mandatory";

function dialect(text: string) {
  const version = parseVersion(text);
  if (version === undefined) throw new Error('no version');
  return dialectOf(version, 'win32');
}

describe('P12: firmware, hypervisor, virtual machine and processor are told apart', () => {
  test.each([
    ['flags\t\t: fpu vmx lm', 'usable'],
    ['flags\t\t: fpu svm lm hypervisor', 'usable'],
    ['flags\t\t: fpu lm hypervisor', 'nested'],
    ['flags\t\t: fpu lm', 'firmware-off'],
    ['flags\t\t: fpu', 'unsupported'],
    ['processor\t: 0', 'unknown'],
    [undefined, 'unknown'],
  ])('Linux, %j: %s', (cpuinfo, seen) => {
    expect(linuxVirtualization(cpuinfo)).toBe(seen);
  });

  test.each([
    ['1\nFPU VME VMX\n', 'usable'],
    ['0\nFPU VME VMX\n', 'usable'],
    ['0\nFPU VMM\n', 'nested'],
    ['0\nFPU\n', 'firmware-off'],
    [undefined, 'unknown'],
  ])('macOS, %j: %s', (output, seen) => {
    expect(macVirtualization(output)).toBe(seen);
  });

  test.each([
    ['hypervisor=True model=Latitude 5400\r\nfirmware=False extensions=False\r\n', 'hyper-v'],
    ['hypervisor=True model=VMware7,1\r\nfirmware=False extensions=False\r\n', 'nested'],
    ['hypervisor=False model=Latitude 5400\r\nfirmware=True extensions=True\r\n', 'usable'],
    ['hypervisor=False model=Latitude 5400\r\nfirmware=False extensions=True\r\n', 'firmware-off'],
    ['hypervisor=False model=Old\r\nfirmware=False extensions=False\r\n', 'unsupported'],
    ['', 'unknown'],
    [undefined, 'unknown'],
  ])('Windows, %j: %s', (output, seen) => {
    expect(windowsVirtualization(output)).toBe(seen);
  });

  test('each refusal has docker-machine\u2019s text, a reason of its own, and two ways on', () => {
    const seen = ['firmware-off', 'nested', 'unsupported'] as const;
    const findings = seen.map((it) => hardwareFinding(it, dialect('7.2.22')));
    expect(findings.map((it) => it?.message)).toEqual([ONE_TEXT, ONE_TEXT, ONE_TEXT]);
    expect(new Set(findings.map((it) => it?.reason)).size).toBe(3);
    expect(new Set(findings.map((it) => it?.code)).size).toBe(3);
    for (const it of findings) {
      expect(it?.nextSteps.join('\n')).toMatch(/--driver qemu[\s\S]*--virtualbox-no-vtx-check/);
    }
  });

  test('what cannot be told refuses nothing', () => {
    expect(hardwareFinding('unknown', dialect('5.0.0'))).toBeUndefined();
    expect(hardwareFinding('usable', dialect('5.0.0'))).toBeUndefined();
  });

  test('an ARM computer is told in the first second', async () => {
    const ports = testPorts({ processes: new FakeProcesses(), facts: { arch: 'arm64', platform: 'darwin' } });
    expect(await lookAtHardware(ports, signal)).toBe('other-processor');
    expect(hardwareFinding('other-processor', dialect('7.2.0'))).toMatchObject({
      severity: 'refuse',
      code: 'VBOX_WRONG_CPU',
    });
  });

  test('Windows is asked by one program; where it does not answer, VirtualBox decides', async () => {
    const file = 'C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe';
    const answers = [
      { result: { stdout: 'hypervisor=True model=X\r\nfirmware=False extensions=True\r\n' } },
      { error: new Error('gone') },
    ];
    const processes = new FakeProcesses(answers.map((it) => ({ file, args: () => true, ...it })));
    const ports = testPorts({ processes, facts: { platform: 'win32' } });
    expect(await lookAtHardware(ports, signal)).toBe('hyper-v');
    expect(await lookAtHardware(ports, signal)).toBe('unknown');
    processes.verify();
  });
});

test('P13: VirtualBox 6 and later goes on beside Hyper-V and says that it is slow; version 5 is refused in the contract\u2019s words', () => {
  expect(hardwareFinding('hyper-v', dialect('6.1.50'))).toMatchObject({
    severity: 'warn',
    code: 'VBOX_HYPERV',
  });
  expect(hardwareFinding('hyper-v', dialect('5.2.44'))).toMatchObject({
    severity: 'refuse',
    message: expect.stringMatching(/^This computer is running Hyper-V\. VirtualBox won't boot a 64bits VM/),
  });
});
