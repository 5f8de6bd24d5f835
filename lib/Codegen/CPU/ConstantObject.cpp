#include "qopt/Codegen/CPU/Artifact.h"

#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace llvm::ELF;

namespace qopt {

namespace {

constexpr uint64_t alignment = 64;
/// What the small code model reaches; larger data goes where the linker may place it far away.
constexpr uint64_t smallModelBytes = uint64_t(1) << 30;

enum Sections { None, Data, NoteStack, Symbols, Strings, SectionNames, Count };

struct StringTable {
  std::string text = std::string(1, '\0');
  uint32_t add(StringRef name) {
    uint32_t offset = text.size();
    text += name;
    text += '\0';
    return offset;
  }
};

template <typename T> void writeStruct(raw_ostream &os, const T &value) {
  os.write(reinterpret_cast<const char *>(&value), sizeof(T));
}

Elf64_Ehdr fileHeader(uint64_t sectionTable) {
  Elf64_Ehdr header = {};
  memcpy(header.e_ident, ElfMagic, 4);
  header.e_ident[EI_CLASS] = ELFCLASS64;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_ident[EI_VERSION] = EV_CURRENT;
  header.e_type = ET_REL;
  header.e_machine = EM_X86_64;
  header.e_version = EV_CURRENT;
  header.e_shoff = sectionTable;
  header.e_ehsize = sizeof(Elf64_Ehdr);
  header.e_shentsize = sizeof(Elf64_Shdr);
  header.e_shnum = Count;
  header.e_shstrndx = SectionNames;
  return header;
}

Elf64_Sym symbolOf(uint32_t name, uint64_t offset, uint64_t size) {
  Elf64_Sym symbol = {};
  symbol.st_name = name;
  symbol.setBindingAndType(STB_GLOBAL, STT_OBJECT);
  symbol.st_other = STV_HIDDEN;
  symbol.st_shndx = Data;
  symbol.st_value = offset;
  symbol.st_size = size;
  return symbol;
}

} // namespace

void writeConstantObject(raw_pwrite_stream &os, ArrayRef<ConstantBytes> constants) {
  StringTable strings, names;
  std::vector<Elf64_Sym> symbols(1);
  uint64_t size = 0;
  for (const ConstantBytes &constant : constants) {
    size = alignTo(size, alignment);
    symbols.push_back(symbolOf(strings.add(constant.symbol), size, constant.bytes.size()));
    size += constant.bytes.size();
  }
  bool large = size > smallModelBytes;
  uint64_t dataAt = alignTo(sizeof(Elf64_Ehdr), alignment);
  uint64_t symbolsAt = alignTo(dataAt + size, 8), stringsAt = symbolsAt + symbols.size() * sizeof(Elf64_Sym);
  Elf64_Shdr sections[Count] = {};
  auto fill = [&](unsigned index, const char *name, uint32_t type, uint64_t flags, uint64_t at, uint64_t bytes,
                  uint64_t align) {
    sections[index].sh_name = names.add(name);
    sections[index].sh_type = type;
    sections[index].sh_flags = flags;
    sections[index].sh_offset = at;
    sections[index].sh_size = bytes;
    sections[index].sh_addralign = align;
  };
  fill(Data, large ? ".lrodata" : ".rodata", SHT_PROGBITS, SHF_ALLOC | (large ? uint64_t(SHF_X86_64_LARGE) : 0), dataAt,
       size, alignment);
  fill(NoteStack, ".note.GNU-stack", SHT_PROGBITS, 0, symbolsAt, 0, 1);
  fill(Symbols, ".symtab", SHT_SYMTAB, 0, symbolsAt, symbols.size() * sizeof(Elf64_Sym), 8);
  sections[Symbols].sh_link = Strings;
  sections[Symbols].sh_info = 1; // the first symbol that is not local
  sections[Symbols].sh_entsize = sizeof(Elf64_Sym);
  fill(Strings, ".strtab", SHT_STRTAB, 0, stringsAt, strings.text.size(), 1);
  uint64_t namesAt = stringsAt + strings.text.size();
  fill(SectionNames, ".shstrtab", SHT_STRTAB, 0, namesAt, 0, 1);
  sections[SectionNames].sh_size = names.text.size();
  uint64_t tableAt = alignTo(namesAt + names.text.size(), 8);

  uint64_t start = os.tell();
  auto padTo = [&](uint64_t offset) { os.write_zeros(offset - (os.tell() - start)); };
  writeStruct(os, fileHeader(tableAt));
  for (auto [constant, symbol] : llvm::zip(constants, ArrayRef(symbols).drop_front())) {
    padTo(dataAt + symbol.st_value);
    os.write(constant.bytes.data(), constant.bytes.size());
  }
  padTo(symbolsAt);
  for (const Elf64_Sym &symbol : symbols)
    writeStruct(os, symbol);
  os << strings.text << names.text;
  padTo(tableAt);
  for (const Elf64_Shdr &section : sections)
    writeStruct(os, section);
}

} // namespace qopt
