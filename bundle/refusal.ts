// Why signed data is not accepted, as a value. Codes are stable; details hold our own words and bounded, printable facts only.

export type VerifyCode =
  | 'wrong_node'
  | 'foreign_root'
  | 'bad_signature'
  | 'bad_hash'
  | 'rollback'
  | 'expired'
  | 'mixed_versions'
  | 'missing_file'
  | 'too_large'
  | 'malformed'
  | 'unknown_format';

export interface Refusal {
  kind: 'refused';
  code: VerifyCode;
  detail: string;
  /** sha256 of the config, where it was signed for this node and refused for what it says alone. */
  configHash?: string;
}

/** A detail never grows beyond this, whatever was in the data. */
export const DETAIL_CHARACTERS_MAX = 300;

/** Makes a refusal. Everything that is not printable ASCII in `detail` becomes `?`. */
export function refuse(code: VerifyCode, detail: string): Refusal {
  return { kind: 'refused', code, detail: detail.slice(0, DETAIL_CHARACTERS_MAX).replace(/[^\x20-\x7e]/g, '?') };
}

export function isRefusal(value: unknown): value is Refusal {
  return typeof value === 'object' && value !== null && (value as Refusal).kind === 'refused';
}
