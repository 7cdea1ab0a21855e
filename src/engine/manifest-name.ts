/** File that lists the engines of a folder. */
export const manifestName = 'manifest.json';
