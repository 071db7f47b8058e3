import { HostNotReadyError } from '../../core/errors.js';
import { formatCidr, parseCidr } from './cidr.js';
import type { RangeAnswer } from './host-only-range.js';

/** No host-only network is to be had; the machine can do without (P14). */
export class HostOnlyUnavailable extends HostNotReadyError {}

/** In the contract's words. */
export function duplicateNameError(name: string): HostOnlyUnavailable {
  return new HostOnlyUnavailable({
    code: 'VBOX_ADAPTER_DUPLICATE',
    verbatim: true,
    message: `VirtualBox is configured with multiple host-only adapters with the same name "${name}". Please remove one`,
    reason: `VirtualBox has two host-only adapters of the name "${name}", and nothing tells which is meant`,
    nextSteps: ['remove one in the network settings of VirtualBox or of Windows'],
  });
}

/** Why a range cannot be used, in the contract's words where it has some. */
export function rangeError(
  answer: Extract<RangeAnswer, { detail: string }>,
  wanted: string,
): HostOnlyUnavailable {
  switch (answer.kind) {
    case 'conflict':
      return new HostOnlyUnavailable({
        code: 'VBOX_CIDR_CONFLICT',
        verbatim: true,
        message: 'host-only cidr conflicts with the network address of a host interface',
        reason: `${answer.detail}, which lies in ${wanted}`,
        nextSteps: [
          'choose another range:  tmachine create --virtualbox-hostonly-cidr 192.168.60.1/24 NAME',
          'or do without:  tmachine create --virtualbox-network nat NAME',
        ],
      });
    case 'duplicate':
      return new HostOnlyUnavailable({
        code: 'VBOX_ADAPTER_DUPLICATE',
        verbatim: true,
        message: `VirtualBox is configured with multiple host-only adapters with the same IP "${answer.detail}". Please remove one`,
        reason: 'nothing tells which of them is meant',
        nextSteps: [
          'see them with: VBoxManage list hostonlyifs',
          'remove one with: VBoxManage hostonlyif remove ADAPTER',
        ],
      });
    case 'denied':
      return new HostOnlyUnavailable({
        code: 'VBOX_RANGE_DENIED',
        message: `VirtualBox does not allow the host-only network ${wanted}`,
        reason: `since 6.1.28 it allows 192.168.56.0/21 and what /etc/vbox/networks.conf says`,
        nextSteps: [
          `allow it: add this line to /etc/vbox/networks.conf:  * ${networkOf(wanted)}`,
          'or take an allowed one:  tmachine create --virtualbox-hostonly-cidr 192.168.56.1/24 NAME',
        ],
      });
  }
}

function networkOf(cidr: string): string {
  const parsed = parseCidr(cidr);
  return parsed === undefined ? cidr : formatCidr({ address: parsed.network, prefix: parsed.prefix });
}
