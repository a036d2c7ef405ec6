// What the log says of secrets: every change once, with the file and the reference, never with a value.
import type { Log } from './adapters/log.ts';
import type { SecretProblem } from './secrets.ts';

export interface SecretsLog {
  /** `declared`: the recipient that kokoa.yaml names, which team members encrypt to. */
  ran(problems: readonly SecretProblem[], declared: string | undefined): void;
}

/** Lines after one run. */
const LINES_MAX = 20;

const EFFECTS = {
  users: { error: 'a secret is not usable; nobody gets in there', warning: 'a secret is exposed' },
  certificate: {
    error: 'a certificate of a route is not usable; edges go on with what they hold',
    warning: 'a certificate of a route works, and should be looked at',
  },
} as const;

/** `own`: the recipient of this reconciler. */
export function createSecretsLog(log: Log, own: string): SecretsLog {
  let said = new Map<string, SecretProblem>();
  let declaredBefore: string | undefined;
  return {
    ran(problems, declared) {
      const next = new Map(problems.map((problem) => [JSON.stringify(problem), problem]));
      const fresh = [...next].filter(([key]) => !said.has(key)).map(([, problem]) => problem);
      for (const { severity, kind, file, reference, reason } of fresh.slice(0, LINES_MAX))
        log.warn({ at: file, reference, reason }, EFFECTS[kind][severity]);
      if (fresh.length > LINES_MAX) log.warn({ more: fresh.length - LINES_MAX }, 'and more secrets have problems');
      const hadErrors = [...said.values()].some(isError);
      if (hadErrors && !problems.some(isError)) log.info({}, 'all secrets are usable again');
      said = next;
      if (declared === declaredBefore) return;
      declaredBefore = declared;
      if (declared === undefined || declared === own) return;
      const todo = `set sealing.recipient to ${own}, and seal again what was sealed to the other key`;
      log.warn({ found: declared, own, todo }, 'kokoa.yaml names another sealing key than this reconciler has');
    },
  };
}

function isError({ severity }: SecretProblem): boolean {
  return severity === 'error';
}
