// What another join changes in what this machine was told before, and what it leaves. Law: an option that was not repeated is not reset
// in silence, and one that changed is said.
import type { Settings } from './ports/settings.ts';

interface Told {
  option: string;
  of(settings: Settings): string;
  /** What it is where nobody said anything. */
  usual: string;
}

const NONE = 'none';
const TOLD: readonly Told[] = [
  { option: 'URL', of: ({ urls }) => urls.join(' '), usual: '' },
  { option: '--fingerprint', of: ({ fingerprint }) => fingerprint, usual: '' },
  { option: '--ca', of: ({ caFile }) => caFile ?? 'system', usual: 'system' },
  { option: '--acme-ca', of: ({ acmeCaFile }) => acmeCaFile ?? 'system', usual: 'system' },
  { option: '--role', of: ({ role }) => role ?? NONE, usual: NONE },
  { option: '--allow', of: ({ allow }) => allow || NONE, usual: NONE },
  { option: '--interface', of: ({ interfaceName }) => interfaceName ?? 'none (--no-tunnel)', usual: 'kokoa0' },
  { option: '--listen', of: ({ listen }) => listen.addresses.join(' '), usual: '0.0.0.0' },
  { option: '--http-port', of: ({ listen }) => `${listen.httpPort}`, usual: '80' },
  { option: '--https-port', of: ({ listen }) => `${listen.httpsPort}`, usual: '443' },
  { option: '--approve-recipients', of: ({ approveRecipients }) => (approveRecipients ? 'yes' : 'no'), usual: 'no' },
  {
    option: '--address',
    of: ({ address }) => [address?.ipv4, address?.ipv6].filter((one) => one !== undefined).join(' ') || 'auto',
    usual: 'auto',
  },
];
/** Not an option that somebody forgets. */
const ALWAYS_TOLD = ['URL', '--fingerprint', '--role'];

export interface JoinChanges {
  /** One line for each. */
  changed: string[];
  /** Options with their values, of what is not as usual and stays. */
  kept: string[];
}

/** `given`: of the options that this join was told. */
export function joinChanges(before: Settings, after: Settings, given: ReadonlySet<string>): JoinChanges {
  const differs = ({ of }: Told) => of(before) !== of(after);
  const stays = (told: Told) => !differs(told) && told.of(after) !== told.usual && !given.has(told.option);
  return {
    changed: TOLD.filter(differs).map(({ option, of }) => `changed: ${option} from ${of(before)} to ${of(after)}`),
    kept: TOLD.filter((told) => stays(told) && !ALWAYS_TOLD.includes(told.option)).map(
      ({ option, of }) => `${option} ${of(after)}`,
    ),
  };
}
