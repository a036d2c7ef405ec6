// How an edge asks an origin what a script of its owner says: `GET http://ADDRESS:SCRIPTS_PORT/NAME`, through the tunnel.

/** On the origin's address inside the tunnels; above those that lead to services behind it. */
export const SCRIPTS_PORT = 64_200;
