import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { JSON_FLAG } from '../cli/shared-flags.js';
import { diagnose } from '../core/actions/diagnose.js';
import type { Check, Diagnosis } from '../core/diagnosis/check.js';
import { ExitCode } from '../core/errors.js';
import { plainText } from '../core/plain-text.js';
import { renderDiagnosis } from '../ui/diagnosis-report.js';

export const spec: CommandSpec = {
  name: 'doctor',
  usage: 'Check this computer and print a report',
  description:
    'Changes nothing. The report has no secrets in it and can be sent to whoever looks after this computer. The exit code is 0 when "create" would work, and 3 when it would not.',
  flags: [JSON_FLAG],
};

export default class Doctor extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const parts = this.world.diagnosisParts();
    const diagnosis = await diagnose(this.app, parts, this.call);
    if (this.isOn('json')) this.printJson(asJson(this.heading(), diagnosis));
    else this.world.stdout.write(this.world.asCalled(renderDiagnosis(headline(this.heading()), diagnosis)));
    this.world.exitWith(diagnosis.createWorks ? ExitCode.ok : ExitCode.hostNotReady);
  }

  private heading(): Heading {
    const { platform, arch, cpuCount, memoryMiB } = this.app.facts;
    return { ...this.world.diagnosisParts().program, platform, arch, cpuCount, memoryMiB };
  }
}

interface Heading {
  readonly version: string;
  readonly build: string;
  readonly runtime: string;
  readonly platform: string;
  readonly arch: string;
  readonly cpuCount: number;
  readonly memoryMiB: number;
}

function headline({ version, build, runtime, platform, arch, cpuCount, memoryMiB }: Heading): string {
  return `tmachine ${version}, build ${build}, ${runtime}, on ${platform} ${arch}, ${cpuCount} processors, ${memoryMiB} MB of memory`;
}

function asJson(heading: Heading, diagnosis: Diagnosis): object {
  return {
    ...heading,
    createWorks: diagnosis.createWorks,
    driver: diagnosis.driverName ?? null,
    checks: diagnosis.checks.map(checkAsJson),
  };
}

function checkAsJson({ area, verdict, code, text, reason, nextSteps, stopsCreate }: Check): object {
  return {
    area,
    verdict,
    code,
    text: plainText(text),
    reason: reason === undefined ? null : plainText(reason),
    nextSteps: nextSteps.map(plainText),
    stopsCreate,
  };
}
