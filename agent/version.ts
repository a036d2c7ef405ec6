// The agent's own version, as it is reported. A test keeps it equal to package.json.
export const AGENT_VERSION = '0.1.0';
