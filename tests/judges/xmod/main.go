// Command xmod holds what Lantai writes against golang.org/x/mod, which knows nothing of Lantai.
//
// One question a line of JSON on the standard input, one answer a line on the output. Of the
// package's own are the tree, its proofs, the tiles and the signed notes; of this file are the
// three lines of a checkpoint, the entries' lengths and the cosignature of C2SP (type 04).
package main

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	height      = 8
	width       = 1 << height
	cosignature = 4
)

type question struct {
	Kind    string   `json:"kind"`
	Note    []byte   `json:"note"`
	Vkeys   []string `json:"vkeys"`
	Index   int64    `json:"index"`
	Old     int64    `json:"old"`
	Size    int64    `json:"size"`
	Leaf    []byte   `json:"leaf"`
	Proof   [][]byte `json:"proof"`
	OldRoot []byte   `json:"old_root"`
	Root    []byte   `json:"root"`
	Folder  string   `json:"folder"`
}

type answer struct {
	Accepted    bool     `json:"accepted"`
	Why         string   `json:"why"`
	Inclusion   [][]byte `json:"inclusion,omitempty"`
	Consistency [][]byte `json:"consistency,omitempty"`
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
		var told answer
		if err := judge(&asked, &told); err != nil {
			told = answer{Why: err.Error()}
		} else {
			told.Accepted = true
		}
		out.Encode(told)
	}
}

func judge(asked *question, told *answer) error {
	switch asked.Kind {
	case "note":
		return openNote(asked)
	case "inclusion":
		root, err := hashOf(asked.Root)
		if err != nil {
			return err
		}
		proof, err := hashesOf(asked.Proof)
		if err != nil {
			return err
		}
		return tlog.CheckRecord(proof, asked.Size, root, asked.Index, tlog.RecordHash(asked.Leaf))
	case "consistency":
		root, err := hashOf(asked.Root)
		if err != nil {
			return err
		}
		old, err := hashOf(asked.OldRoot)
		if err != nil {
			return err
		}
		proof, err := hashesOf(asked.Proof)
		if err != nil {
			return err
		}
		return tlog.CheckTree(proof, asked.Size, root, asked.Old, old)
	case "tiles":
		return readTiles(asked, told)
	}
	return fmt.Errorf("no such question: %s", asked.Kind)
}

// openNote accepts a checkpoint that every one of the keys has signed.
func openNote(asked *question) error {
	var known []note.Verifier
	for _, vkey := range asked.Vkeys {
		verifier, err := verifierOf(vkey)
		if err != nil {
			return err
		}
		known = append(known, verifier)
	}
	opened, err := note.Open(asked.Note, note.VerifierList(known...))
	if err != nil {
		return err
	}
	if len(opened.Sigs) != len(known) {
		return fmt.Errorf("%d of %d keys have signed", len(opened.Sigs), len(known))
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return errors.New("a checkpoint has three lines")
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return err
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return err
	}
	if asked.Root != nil && (size != asked.Size || !bytes.Equal(root[:], asked.Root)) {
		return errors.New("the note is of another head")
	}
	return nil
}

// readTiles rebuilds proofs from the files and holds every entry against its leaf hash.
func readTiles(asked *question, told *answer) error {
	root, err := hashOf(asked.Root)
	if err != nil {
		return err
	}
	files := tileFiles{asked.Folder}
	reader := tlog.TileHashReader(tlog.Tree{N: asked.Size, Hash: root}, files)
	inclusion, err := tlog.ProveRecord(asked.Size, asked.Index, reader)
	if err != nil {
		return err
	}
	consistency, err := tlog.ProveTree(asked.Size, asked.Old, reader)
	if err != nil {
		return err
	}
	for first := int64(0); first < asked.Size; first += width {
		entries, err := files.entries(first/width, min(width, asked.Size-first))
		if err != nil {
			return err
		}
		var places []int64
		for at := range entries {
			places = append(places, tlog.StoredHashIndex(0, first+int64(at)))
		}
		hashes, err := reader.ReadHashes(places)
		if err != nil {
			return err
		}
		for at, entry := range entries {
			if tlog.RecordHash(entry) != hashes[at] {
				return fmt.Errorf("entry %d is not what its tile says", first+int64(at))
			}
		}
	}
	for _, held := range inclusion {
		told.Inclusion = append(told.Inclusion, append([]byte(nil), held[:]...))
	}
	for _, held := range consistency {
		told.Consistency = append(told.Consistency, append([]byte(nil), held[:]...))
	}
	return nil
}

// tileFiles reads C2SP tlog-tiles, whose paths leave out the height that x/mod writes.
type tileFiles struct{ folder string }

func (tileFiles) Height() int { return height }

func (tileFiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (files tileFiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		content, err := files.read(tile)
		if err != nil {
			return nil, err
		}
		read = append(read, content)
	}
	return read, nil
}

func (files tileFiles) read(tile tlog.Tile) ([]byte, error) {
	path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
	return os.ReadFile(filepath.Join(files.folder, path))
}

func (files tileFiles) entries(index, count int64) ([][]byte, error) {
	whole := tlog.Tile{H: height, L: -1, N: index, W: int(count)}
	path := strings.Replace(whole.Path(), fmt.Sprintf("tile/%d/data/", height), "tile/entries/", 1)
	content, err := os.ReadFile(filepath.Join(files.folder, path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(content) > 0 {
		if len(content) < 2 {
			return nil, errors.New("a bundle ends in mid-length")
		}
		length := int(binary.BigEndian.Uint16(content))
		if len(content) < 2+length {
			return nil, errors.New("a bundle ends in mid-entry")
		}
		entries, content = append(entries, content[2:2+length]), content[2+length:]
	}
	if int64(len(entries)) != count {
		return nil, fmt.Errorf("a bundle holds %d entries, not %d", len(entries), count)
	}
	return entries, nil
}

// cosigner verifies C2SP tlog-cosignature v1: a time and an Ed25519 signature over it and the text.
type cosigner struct {
	name string
	id   uint32
	key  ed25519.PublicKey
}

func (signer cosigner) Name() string    { return signer.name }
func (signer cosigner) KeyHash() uint32 { return signer.id }

func (signer cosigner) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	time := binary.BigEndian.Uint64(signature)
	signed := append([]byte(fmt.Sprintf("cosignature/v1\ntime %d\n", time)), text...)
	return ed25519.Verify(signer.key, signed, signature[8:])
}

func verifierOf(vkey string) (note.Verifier, error) {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		return nil, errors.New("not a verifier key")
	}
	material, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, err
	}
	if len(material) != 1+ed25519.PublicKeySize || material[0] != cosignature {
		return note.NewVerifier(vkey)
	}
	id, err := strconv.ParseUint(parts[1], 16, 32)
	if err != nil {
		return nil, err
	}
	return cosigner{parts[0], uint32(id), ed25519.PublicKey(material[1:])}, nil
}

func hashOf(content []byte) (tlog.Hash, error) {
	var held tlog.Hash
	if len(content) != tlog.HashSize {
		return held, errors.New("a hash has 32 bytes")
	}
	copy(held[:], content)
	return held, nil
}

func hashesOf(contents [][]byte) ([]tlog.Hash, error) {
	held := make([]tlog.Hash, 0, len(contents))
	for _, content := range contents {
		one, err := hashOf(content)
		if err != nil {
			return nil, err
		}
		held = append(held, one)
	}
	return held, nil
}

func min(one, other int64) int64 {
	if one < other {
		return one
	}
	return other
}
