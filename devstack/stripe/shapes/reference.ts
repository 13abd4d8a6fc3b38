/** The id in a field that may hold an id or the object itself; '' where it holds nothing. */
export function idOf(reference: string | { readonly id: string } | null | undefined): string {
  return typeof reference === 'string' ? reference : (reference?.id ?? '');
}
