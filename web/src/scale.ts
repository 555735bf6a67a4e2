/** Colours and ticks. The ramps are perceptually uniform and the same for people with any kind of colour vision. */

type Rgb = readonly [number, number, number];

/** From empty to full: one hue, in even steps of lightness, the same as on the report pages. What is full stands out. */
export const RAMP: Record<Theme, Rgb[]> = {
  light: [[241, 239, 230], [134, 182, 217], [10, 58, 107]],
  dark: [[38, 44, 51], [47, 115, 168], [166, 212, 246]],
};

/** Less (orange) over the middle to more (blue). */
const DIVERGING: Record<Theme, Rgb[]> = {
  light: [[166, 84, 0], [224, 142, 44], [246, 208, 156], [238, 238, 234], [168, 205, 232], [62, 142, 199], [0, 84, 147]],
  dark: [[255, 176, 84], [198, 117, 28], [112, 72, 32], [42, 47, 53], [30, 76, 112], [44, 125, 184], [122, 193, 247]],
};

export type Theme = "light" | "dark";

/** A colour between stops, mixed in OKLab (Ottosson, 2020), where equal steps look equal. */
function between(stops: Rgb[], share: number): Rgb {
  const at = clamp(share) * (stops.length - 1);
  const low = Math.min(Math.floor(at), stops.length - 2);
  const mix = at - low;
  const [from, to] = [toLab(stops[low]!), toLab(stops[low + 1]!)];
  return toRgb(from.map((value, i) => value + (to[i]! - value) * mix) as Lab);
}

type Lab = [number, number, number];

const toLinear = (v: number) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const toGamma = (v: number) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);

export function toLab(rgb: Rgb): Lab {
  const [r, g, b] = rgb.map((v) => toLinear(v / 255)) as Lab;
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function toRgb([L, a, b]: Lab): Rgb {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((v) => Math.round(255 * clamp(toGamma(v)))) as unknown as Rgb;
}

function clamp(share: number): number {
  return Number.isFinite(share) ? Math.min(1, Math.max(0, share)) : 0;
}

/** The colour of a share from 0 to 1. */
export function ramp(share: number, theme: Theme): Rgb {
  return between(RAMP[theme], share);
}

/** The colour of a change from -1 to 1. */
export function change(share: number, theme: Theme): Rgb {
  return between(DIVERGING[theme], (Math.max(-1, Math.min(1, share)) + 1) / 2);
}

export function css([r, g, b]: Rgb): string {
  return `rgb(${r},${g},${b})`;
}

/** Dark or light ink, whichever is read better on a colour. */
export function inkOn(rgb: Rgb): string {
  return toLab(rgb)[0] > 0.62 ? "#10151b" : "#ffffff";
}

/** A colour with the ink that is read on it. */
export interface Fill {
  fill: string;
  ink: string;
  /** The same colour as four bytes of an image: red, green, blue, all of it. */
  pixel: number;
}

const STEPS = 200;
const tables = new Map<string, Fill[]>();

/** The fills of shares (or of changes from -1 to 1): mixed once, then looked up. */
export function fills(theme: Theme, diverging: boolean): (share: number) => Fill {
  const key = `${theme}${diverging}`;
  const table = tables.get(key) ?? Array.from({ length: STEPS + 1 }, (_, i) => {
    const rgb = diverging ? change((2 * i) / STEPS - 1, theme) : ramp(i / STEPS, theme);
    return { fill: css(rgb), ink: inkOn(rgb), pixel: new Uint32Array(Uint8Array.of(...rgb, 255).buffer)[0]! };
  });
  tables.set(key, table);
  return (share) => table[Math.round(clamp(diverging ? (share + 1) / 2 : share) * STEPS)]!;
}

/** Even ticks from 0 up to at least `most`, at most `many` of them. */
export function ticks(most: number, many = 4): number[] {
  if (!(most > 0)) return [0];
  const rough = most / many;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * power).find((s) => s >= rough - 1e-12) ?? 10 * power;
  const steps = Math.ceil(most / step - 1e-9);
  return Array.from({ length: steps + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}
