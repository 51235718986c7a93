package api

import "errors"

// The errors that a caller of the service can be told about. Packages wrap them
// with what they were doing; problem.go turns them into answers. An error that
// wraps none of the sentinels of any folder is answered as 500 without detail.
var (
	// ErrInvalid: the request is well-formed but asks for something that cannot be.
	ErrInvalid = errors.New("api: invalid request")
	// ErrUnauthenticated: nobody is signed in, or the proof offered is wrong.
	ErrUnauthenticated = errors.New("api: not signed in")
	// ErrWrongPassword: signed in, and the password to be changed is another.
	ErrWrongPassword = errors.New("api: the current password is wrong")
	// ErrStepUp: signed in, but this act needs a fresh proof of a second factor.
	ErrStepUp = errors.New("api: a fresh second factor is needed")
	// ErrForbidden: signed in, and this role may not do this.
	ErrForbidden = errors.New("api: not allowed")
	// ErrDeactivated: the account or organisation takes nothing new any more.
	ErrDeactivated = errors.New("api: deactivated")
	// ErrNotFound: no such thing, or none that this identity may know of.
	ErrNotFound = errors.New("api: not found")
	// ErrMethod: the path is there, but not for this method.
	ErrMethod = errors.New("api: method not allowed")
	// ErrConflict: the thing exists already or is in another state.
	ErrConflict = errors.New("api: conflict")
	// ErrExpired: it existed, and its time or its single use is over.
	ErrExpired = errors.New("api: expired or used")
	// ErrTooLarge: the body or a part of it is over its limit.
	ErrTooLarge = errors.New("api: too large")
	// ErrTooMany: a limit on how often is reached; errors may carry a RetryAfter.
	ErrTooMany = errors.New("api: too many requests")
	// ErrKeyReused: the idempotency key was used with another body.
	ErrKeyReused = errors.New("api: idempotency key used for another request")
	// ErrShownOnce: the request with this idempotency key was done, and its answer held
	// a secret that is not repeated.
	ErrShownOnce = errors.New("api: done, and its secret was shown once")
	// ErrInProgress: the request with this idempotency key is still being answered.
	ErrInProgress = errors.New("api: request in progress")
	// ErrUnavailable: a part that the answer depends on is down; nothing changed.
	ErrUnavailable = errors.New("api: temporarily unavailable")
)
