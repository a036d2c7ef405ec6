// One stage of convergence as a value: what it throws becomes a failure that says where, what, and whose fault it is.
import { KokoaError } from '../bundle/error.ts';

export const STAGES = ['verify', 'guard', 'render', 'test', 'network', 'reload', 'probe', 'keep', 'watch'] as const;
export type Stage = (typeof STAGES)[number];

export interface Failure {
  stage: Stage;
  code: string;
  detail: string;
  /** `machine`: the same bundle may succeed later. `bundle`: it fails until it changes. */
  fault: 'bundle' | 'machine';
  /** The web server whose word it was. */
  judgedBy?: string;
}

export type Attempt<T> = { value: T; failure?: undefined } | { value?: undefined; failure: Failure };

const DETAIL_CHARACTERS_MAX = 1_000;
/** What a value in a bundle makes a stage throw; everything else that is thrown is the machine's. */
const BUNDLE_CODES: readonly string[] = [
  'unsafe_value',
  'template_invalid',
  'release_invalid',
  'bad_tunnel',
  'bad_firewall',
];

export async function attempt<T>(stage: Stage, action: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await action() };
  } catch (error) {
    return { failure: failureOf(stage, error) };
  }
}

export function failureOf(stage: Stage, error: unknown): Failure {
  const code = error instanceof KokoaError ? error.code : `${stage}_failed`;
  const detail = (error instanceof Error ? error.message : String(error)).slice(0, DETAIL_CHARACTERS_MAX);
  return { stage, code, detail, fault: BUNDLE_CODES.includes(code) ? 'bundle' : 'machine' };
}
