// Command gmsm holds SM2 signatures and SM3 trees against github.com/tjfoc/gmsm.
//
// One question a line of JSON on the standard input, one answer a line on the output. The tree is
// the recursion of RFC 6962 as it reads, under the package's SM3.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"os"

	"github.com/tjfoc/gmsm/sm2"
	"github.com/tjfoc/gmsm/sm3"
)

type question struct {
	Kind      string   `json:"kind"`
	Public    []byte   `json:"public"`
	Identity  string   `json:"identity"`
	Message   []byte   `json:"message"`
	Signature []byte   `json:"signature"`
	Entries   [][]byte `json:"entries"`
	Root      []byte   `json:"root"`
	Index     int      `json:"index"`
	Size      int      `json:"size"`
	Leaf      []byte   `json:"leaf"`
	Proof     [][]byte `json:"proof"`
}

type answer struct {
	Accepted bool   `json:"accepted"`
	Why      string `json:"why"`
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<26)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			fmt.Fprintln(os.Stderr, "not a question:", err)
			os.Exit(2)
		}
		told := answer{Accepted: true}
		if err := judge(&asked); err != nil {
			told = answer{Why: err.Error()}
		}
		out.Encode(told)
	}
}

func judge(asked *question) error {
	switch asked.Kind {
	case "sm2":
		return verify(asked)
	case "sm3-tree":
		if !bytes.Equal(rootOf(asked.Entries), asked.Root) {
			return errors.New("the entries have another root")
		}
		return nil
	case "sm3-inclusion":
		if asked.Index < 0 || asked.Index >= asked.Size {
			return errors.New("there is no such leaf")
		}
		root, err := follow(asked.Leaf, asked.Index, asked.Size, asked.Proof)
		if err != nil {
			return err
		}
		if !bytes.Equal(root, asked.Root) {
			return errors.New("the proof leads to another root")
		}
		return nil
	}
	return fmt.Errorf("no such question: %s", asked.Kind)
}

func verify(asked *question) error {
	if len(asked.Public) != 64 || len(asked.Signature) != 64 {
		return errors.New("a point and a signature have 64 bytes")
	}
	key := sm2.PublicKey{
		Curve: sm2.P256Sm2(),
		X:     new(big.Int).SetBytes(asked.Public[:32]),
		Y:     new(big.Int).SetBytes(asked.Public[32:]),
	}
	if !key.Curve.IsOnCurve(key.X, key.Y) {
		return errors.New("the key is not on the curve")
	}
	r := new(big.Int).SetBytes(asked.Signature[:32])
	s := new(big.Int).SetBytes(asked.Signature[32:])
	if !sm2.Sm2Verify(&key, asked.Message, []byte(asked.Identity), r, s) {
		return errors.New("the signature does not verify")
	}
	return nil
}

// follow computes the root that a proof leads to, its last step being the highest.
func follow(leaf []byte, index, size int, proof [][]byte) ([]byte, error) {
	if size == 1 {
		if len(proof) > 0 {
			return nil, errors.New("the proof is too long")
		}
		return sm3.Sm3Sum(append([]byte{0}, leaf...)), nil
	}
	if len(proof) == 0 {
		return nil, errors.New("the proof is too short")
	}
	split := splitOf(size)
	last, rest := proof[len(proof)-1], proof[:len(proof)-1]
	if index < split {
		held, err := follow(leaf, index, split, rest)
		return sm3.Sm3Sum(append(append([]byte{1}, held...), last...)), err
	}
	held, err := follow(leaf, index-split, size-split, rest)
	return sm3.Sm3Sum(append(append([]byte{1}, last...), held...)), err
}

func splitOf(size int) int {
	split := 1
	for split*2 < size {
		split *= 2
	}
	return split
}

func rootOf(entries [][]byte) []byte {
	switch len(entries) {
	case 0:
		return sm3.Sm3Sum(nil)
	case 1:
		return sm3.Sm3Sum(append([]byte{0}, entries[0]...))
	}
	split := splitOf(len(entries))
	both := append([]byte{1}, rootOf(entries[:split])...)
	return sm3.Sm3Sum(append(both, rootOf(entries[split:])...))
}
