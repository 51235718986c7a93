// WebAuthn between the service's JSON and the browser's buffers.
import type { PasskeyOffer } from './api.ts';

// Passkeys belong to a host's name: at an address of numbers browsers make none (WebAuthn level 3, 5.1.3).
export const hasPasskeys = (): boolean => typeof PublicKeyCredential === 'function' && isSecureContext && !/^[\d.]+$|:/.test(location.hostname);

export async function makePasskey(offer: PasskeyOffer): Promise<unknown> {
  const key = buffers(offer.options.publicKey) as unknown as PublicKeyCredentialCreationOptions;
  return answer(await navigator.credentials.create({ publicKey: key }));
}

export async function usePasskey(offer: PasskeyOffer): Promise<unknown> {
  const key = buffers(offer.options.publicKey) as unknown as PublicKeyCredentialRequestOptions;
  return answer(await navigator.credentials.get({ publicKey: key }));
}

// The members that are binary in WebAuthn and base64url in JSON (WebAuthn level 3, 5.1.8).
function buffers(options: Record<string, unknown>): Record<string, unknown> {
  const ids = (list: unknown) => (list as { id: string }[] | undefined)?.map((one) => ({ ...one, id: bytes(one.id) }));
  const user = options['user'] as { id: string } | undefined;
  return {
    ...options,
    challenge: bytes(options['challenge'] as string),
    ...(user ? { user: { ...user, id: bytes(user.id) } } : {}),
    ...(options['excludeCredentials'] ? { excludeCredentials: ids(options['excludeCredentials']) } : {}),
    ...(options['allowCredentials'] ? { allowCredentials: ids(options['allowCredentials']) } : {}),
  };
}

function answer(credential: Credential | null): unknown {
  const key = credential as PublicKeyCredential | null;
  if (!key) throw new DOMException('no passkey', 'NotAllowedError');
  const made = key.response as AuthenticatorAttestationResponse;
  const used = key.response as AuthenticatorAssertionResponse;
  const response: Record<string, unknown> = { clientDataJSON: text(key.response.clientDataJSON) };
  if (made.attestationObject) response['attestationObject'] = text(made.attestationObject);
  if (made.attestationObject && made.getTransports) response['transports'] = made.getTransports();
  if (used.signature) Object.assign(response, { authenticatorData: text(used.authenticatorData), signature: text(used.signature), userHandle: used.userHandle ? text(used.userHandle) : undefined });
  return { id: key.id, rawId: text(key.rawId), type: key.type, response, clientExtensionResults: key.getClientExtensionResults() };
}

function bytes(base64url: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64url.replace(/-/g, '+').replace(/_/g, '/')), (char) => char.charCodeAt(0));
}

function text(buffer: ArrayBuffer): string {
  return btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '');
}
