export { createOidcVerifier, ProviderAway, type OidcIdentity, type OidcVerifier } from './verifier';
