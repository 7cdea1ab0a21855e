/** A part cannot be had here, and the rest can: `message` says why, `remedy` what to do about it. */
export class PartUnavailable extends Error {
  constructor(message, remedy, output = '') {
    super(message);
    this.name = 'PartUnavailable';
    this.remedy = remedy;
    this.output = output;
  }
}

/** What was downloaded is not what was published. Ends set-up with exit code 1. */
export class ChecksumError extends Error {
  /** @param {string} [keptIn] the file, when it outlives this run and would be taken again */
  constructor(what, expected, received, keptIn) {
    const advice = keptIn === undefined ? '' : `; delete ${keptIn} to download it again`;
    super(`Expected SHA-256 ${expected} for ${what} but received ${received}${advice}`);
    this.name = 'ChecksumError';
  }
}
