// A long computation in steps. Law: pure like everything here; whoever runs it decides how long it may take, and who has a turn between
// two steps.

/** Ends with the result; what it yields before has no meaning. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** All steps at once. */
export function finished<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
  }
}
