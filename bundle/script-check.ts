// How an edge asks an origin what a script of its owner says: `GET http://ADDRESS:SCRIPTS_PORT/NAME`, through the tunnel.

/** On the origin's address inside the tunnels. Nobody but root can have it there before the agent does; nobody else uses it (RFC 6335). */
export const SCRIPTS_PORT = 1023;
