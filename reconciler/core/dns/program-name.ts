// How git names a program that writes a zone: a bare name in a folder that the operator chose. Law: no name leads out of that folder, is hidden
// in it, or looks like an option.

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export function isProgramName(found: unknown): found is string {
  return typeof found === 'string' && NAME.test(found);
}
