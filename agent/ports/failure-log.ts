// What the web server writes of requests that it could not give to a backend.

export interface FailureLog {
  /** What was written since the last time; the first time nothing. Of very much only the newest. Never throws. */
  read(): Promise<string>;
}
