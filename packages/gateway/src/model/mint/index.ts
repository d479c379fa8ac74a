/**
 * The door through which permits are minted. Only the pipeline may import it: it does so after the record of the intent is durable.
 * A project of its own, so that the compiler refuses it elsewhere.
 */
export { mint } from '../permit.ts'
