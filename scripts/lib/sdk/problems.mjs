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
  constructor(what, expected, received) {
    super(`Expected SHA-256 ${expected} for ${what} but received ${received}`);
    this.name = 'ChecksumError';
  }
}
