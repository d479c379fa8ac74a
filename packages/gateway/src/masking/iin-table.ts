/** One brand's share of the number space: which prefixes it uses, and how long its numbers are. */
export interface IinRow {
  readonly brand: string
  /** Prefixes of 1 to 8 digits, or ranges of equally long ones (`2221-2720`), both ends included. */
  readonly prefixes: readonly string[]
  /** Numbers of digits, 12 to 19. */
  readonly lengths: readonly number[]
}

/**
 * The issuer ranges that are published, brand by brand. They overlap; where they do, the narrowest range names the brand.
 * The brands' own tables are licensed and change weekly, so a range here is wide rather than exact: a missed range is a leak, a wide
 * one a false alarm. Own ranges (private label, fleet, gift cards) are added to a copy: `compileIins([...iinTable, …])`.
 *
 * ISO/IEC 7812-1: an IIN has 8 digits (formerly 6), a number at most 19, the last digit is Luhn's check digit. Issuers without
 * a check digit (enRoute, some old UnionPay) cannot be told from any other number: declare their columns.
 */
export const iinTable: readonly IinRow[] = [
  { brand: 'visa', prefixes: ['4'], lengths: [13, 16, 18, 19] },
  { brand: 'mastercard', prefixes: ['51-55', '2221-2720'], lengths: [16] },
  { brand: 'american-express', prefixes: ['34', '37'], lengths: [15] },
  { brand: 'discover', prefixes: ['6011', '622126-622925', '644-649', '65'], lengths: [16, 17, 18, 19] },
  { brand: 'diners-club', prefixes: ['300-305', '3095', '36', '38-39'], lengths: [14, 15, 16, 17, 18, 19] },
  { brand: 'jcb', prefixes: ['3528-3589'], lengths: [16, 17, 18, 19] },
  { brand: 'jcb', prefixes: ['1800', '2131'], lengths: [15] },
  { brand: 'unionpay', prefixes: ['62', '81'], lengths: [14, 15, 16, 17, 18, 19] },
  { brand: 'maestro', prefixes: ['493698', '50', '56-59', '6'], lengths: [12, 13, 14, 15, 16, 17, 18, 19] },
  { brand: 'mir', prefixes: ['2200-2204'], lengths: [16, 17, 18, 19] },
  { brand: 'rupay', prefixes: ['353', '356', '508', '60', '65', '81', '82'], lengths: [16] },
  {
    brand: 'elo',
    prefixes: [
      ...['401178-401179', '431274', '438935', '451416', '457393', '457631-457632', '504175', '506699-506778'],
      ...['509000-509999', '627780', '636297', '636368', '650031-650033', '650035-650051', '650405-650439'],
      ...['650485-650538', '650541-650598', '650700-650718', '650720-650727', '650901-650978', '651652-651679'],
      ...['655000-655019', '655021-655058'],
    ],
    lengths: [16],
  },
  { brand: 'hipercard', prefixes: ['606282'], lengths: [13, 16, 19] },
  { brand: 'hiper', prefixes: ['6370', '6375-6376', '63737423', '63743358'], lengths: [16] },
  { brand: 'troy', prefixes: ['9792'], lengths: [16] },
  { brand: 'verve', prefixes: ['5060-5079', '6500'], lengths: [16, 18, 19] },
  { brand: 'naranja', prefixes: ['589562'], lengths: [16] },
  { brand: 'uatp', prefixes: ['1'], lengths: [15] },
  { brand: 'dankort', prefixes: ['4571', '5019'], lengths: [16] },
  { brand: 'uzcard', prefixes: ['8600'], lengths: [16] },
  { brand: 'humo', prefixes: ['9860'], lengths: [16] },
  { brand: 'napas', prefixes: ['9704'], lengths: [16, 19] },
  { brand: 'interpayment', prefixes: ['636'], lengths: [16, 17, 18, 19] },
  { brand: 'lankapay', prefixes: ['3571'], lengths: [16] },
]
