// The shape of a small thing that is read back, as a JSON Schema that is a constant of ours. Law: it costs nothing until something is looked
// at, because every command imports more than it needs: compiling six of them was half the time in which a command starts.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';

export interface Shape<T> {
  (value: unknown): value is T;
  /** The first thing that is wrong with a value. */
  mistake(value: unknown): ErrorObject | undefined;
}

let ajv: Ajv | undefined;

export function shape<T>(schema: object): Shape<T> {
  let compiled: ValidateFunction | undefined;
  const holds = (value: unknown): boolean => {
    // Judging a schema by its meta-schema costs more than compiling it; strict mode refuses a word that means nothing.
    ajv ??= new Ajv({ meta: false, validateSchema: false });
    compiled ??= ajv.compile(schema);
    return compiled(value) as boolean;
  };
  return Object.assign((value: unknown): value is T => holds(value), {
    mistake: (value: unknown) => (holds(value) ? undefined : compiled?.errors?.[0]),
  });
}
