// Lets one task through at a time, in the order they came.

/** Answers a function that runs tasks one after the other; a failed one does not stop the next. */
export function turnstile(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const run = last.then(task, task);
    last = run.catch(() => undefined);
    return run;
  };
}
