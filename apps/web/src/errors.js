/** A mistake that the person at the page can correct; its message is shown as it is. */
export class PageError extends Error {}
