/**
 * Who may call an operation. Contracts declare it and the middleware that enforces it reads it from the `Target`; it is a type of the kernel's
 * because these two never import each other.
 */
export type Allow =
  | { readonly kind: 'public' }
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'permission'; readonly permission: string }
  | { readonly kind: 'own'; readonly permission: string }
  | { readonly kind: 'internal' }
