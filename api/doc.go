// Package api is the vocabulary of the HTTP interface: who is asking
// (Identity), what they may do (Allow), what they are told when something fails
// (Problem), and how handlers are mounted (API).
//
// It holds no use case and no storage: its children do.
package api
