// The named bound of everything that crosses the wire. Both halves refuse above these before they parse.

/** timestamp, snapshot, targets and root, each. */
export const METADATA_BYTES_MAX = 64 * 1024;
export const CONFIG_BYTES_MAX = 1024 * 1024;
/** 500 routes of the largest size fit, and more of the usual one. */
export const CHUNK_BYTES_MAX = 12 * 1024 * 1024;
/** The canonical text of one route, without a certificate of its own; a usual one has 100 bytes. */
export const ROUTE_BYTES_MAX = 16 * 1024;
/** The certificate and key that a person brings for a route, before they are sealed: four certificates of RSA 4096 and a key have 14 KB. */
export const OWN_CERTIFICATE_BYTES_MAX = 16 * 1024;
/** A whole bundle response: 100 000 usual routes are 11 MB. */
export const BUNDLE_BYTES_MAX = 20_000_000;
/** A status post, a relayed certificate, a pool identity. */
export const POST_BYTES_MAX = 256 * 1024;
/** Roots that one response may bring; more come with the next. */
export const ROOTS_PER_RESPONSE_MAX = 16;
/** A bearer token, as read from a header or a file. */
export const TOKEN_BYTES_MAX = 4096;
/** `wait=` of a long poll, seconds. */
export const WAIT_SECONDS_MAX = 55;
