/** Of processes that end with whoever started them, however that ends. */

/** Options of setpriv. The signal comes when whoever started it ends from now on, not when that has happened already. */
export const DIES_WITH_STARTER: readonly string[] = ['--pdeathsig', 'KILL']

/** What is asked then: whoever started it may have ended before, and left nobody to notice. `$1` its pid. */
const ONLY_IF_STARTER_LIVES = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'

/** Stands before a command that is ours and has said that it dies with us. */
export function ifWeLive(): readonly string[] {
  return ['/bin/sh', '-c', ONLY_IF_STARTER_LIVES, 'sh', String(process.pid)]
}

/** Stands before a command that is to die with us, and keeps its user: what changes that takes the signal back (prctl(2), PR_SET_PDEATHSIG). */
export function diesWithUs(setpriv: string): readonly string[] {
  return [setpriv, ...DIES_WITH_STARTER, '--', ...ifWeLive()]
}
