/** Where the routes of nodes lie: under the versioned prefix, and at the root as stable aliases. */
export const NODE_API = ['api/v1', ''];

/** Where the other routes lie. */
export const API = 'api/v1';
