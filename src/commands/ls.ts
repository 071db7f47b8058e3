import { BaseCommand } from '../cli/base-command.js';
import type { CommandSpec } from '../cli/flag-spec.js';
import { JSON_FLAG, SHOW_SECRETS_FLAG, TIMEOUT_FLAG } from '../cli/shared-flags.js';
import { type ListedMachine, listMachines } from '../core/actions/list.js';
import { formatList, type ListRow } from '../core/format/list-format.js';
import { parseListFilter } from '../core/list-filter.js';
import { naturalOrder } from '../core/natural-order.js';
import { redactSecrets } from '../core/redact.js';
import { alignColumns, LIST_LAYOUT } from '../ui/table.js';

export const spec: CommandSpec = {
  name: 'ls',
  usage: 'List machines',
  flags: [
    { name: 'quiet', short: 'q', type: 'bool', help: 'Enable quiet mode' },
    { name: 'filter', type: 'slice', help: 'Filter output based on conditions provided' },
    TIMEOUT_FLAG,
    { name: 'format', short: 'f', type: 'string', help: 'Pretty-print machines using a Go template' },
    JSON_FLAG,
    SHOW_SECRETS_FLAG,
  ],
};

export default class Ls extends BaseCommand {
  static override readonly spec = spec;

  protected async work(): Promise<void> {
    const words = this.list('filter');
    const filter = parseListFilter(words);
    // Nothing is asked of anybody for the names alone; a broken machine is named too, so that scripts can find it.
    if (this.isOn('quiet') && words.length === 0) {
      for (const name of await this.app.store.list()) this.print(name);
      return;
    }
    const machines = await listMachines(
      this.app,
      { timeoutMs: this.count('timeout') * 1000, select: (record) => filter.matchesRecord(record) },
      this.call,
    );
    const rows = machines
      .map((machine) => ({
        machine: { ...machine, error: this.world.asCalled(machine.error) },
        swarm: swarmOf(machine, machines),
      }))
      .filter(
        ({ machine, swarm }) =>
          machine.record === undefined ||
          (filter.matchesState(machine.state) && filter.matchesSwarm(swarm.replace(/ \(master\)$/, ''))),
      );
    if (this.isOn('quiet')) {
      for (const { machine } of rows) this.print(machine.name);
      return;
    }
    const shown = this.isOn('show-secrets') ? (text: string) => text : redactSecrets;
    rows.sort((a, b) => naturalOrder(a.machine.name, b.machine.name));
    if (this.isOn('json')) {
      this.print(
        shown(
          JSON.stringify(
            { machines: rows.map(({ machine, swarm }) => asJson(machine, swarm)) },
            undefined,
            2,
          ),
        ),
      );
      return;
    }
    const { text, isTable } = formatList(
      this.text('format'),
      rows.map(({ machine, swarm }) => listRow(machine, swarm)),
    );
    this.world.stdout.write(isTable ? alignColumns(shown(text), LIST_LAYOUT) : shown(text));
  }
}

/** The master of the same discovery URL, as the contract's SWARM column has it. */
function swarmOf(machine: ListedMachine, all: readonly ListedMachine[]): string {
  const own = machine.record?.hostOptions.SwarmOptions;
  if (own === undefined || own.Discovery === '') return '';
  const master = all.find(({ record }) => {
    const options = record?.hostOptions.SwarmOptions;
    return options?.Master === true && options.Discovery === own.Discovery;
  });
  return own.Master ? `${machine.name} (master)` : (master?.name ?? '');
}

function listRow(machine: ListedMachine, swarm: string): ListRow {
  const wasAsked = machine.record !== undefined && machine.state !== 'Timeout';
  return {
    name: machine.name,
    active: wasAsked ? activeMark(machine) : '',
    activeHost: machine.active,
    activeSwarm: machine.activeSwarm,
    driverName: machine.driverName,
    state: machine.state,
    url: machine.url,
    swarm,
    error: machine.error,
    dockerVersion: machine.dockerVersion,
    responseMs: machine.responseMs,
    engineOptions: machine.record?.hostOptions.EngineOptions,
    swarmOptions: machine.record?.hostOptions.SwarmOptions,
  };
}

function activeMark({ active, activeSwarm }: ListedMachine): string {
  if (active) return '*';
  return activeSwarm ? '* (swarm)' : '-';
}

function asJson(machine: ListedMachine, swarm: string): object {
  return {
    name: machine.name,
    active: machine.active,
    driver: machine.driverName,
    state: machine.state,
    url: machine.url,
    swarm,
    docker: machine.dockerVersion,
    error: machine.error,
    certificateDaysLeft: machine.certificateDaysLeft ?? null,
    responseMs: machine.responseMs,
  };
}
