namespace FedLora.Training.Data.Images;

/// <summary>A file in memory behind whose end nothing can be read for ever: a decoder that takes zeros for what is missing would go on
/// with them.</summary>
internal sealed class EndingStream(byte[] file) : MemoryStream(file, writable: false)
{
    // Decoders look a little ahead.
    private const int MostBehindEnd = 64;
    private int _behind;

    public override int ReadByte() => Counted(base.ReadByte(), -1);

    public override int Read(byte[] buffer, int offset, int count) => count == 0 ? 0 : Counted(base.Read(buffer, offset, count), 0);

    public override int Read(Span<byte> buffer) => buffer.IsEmpty ? 0 : Counted(base.Read(buffer), 0);

    private int Counted(int read, int none) => read != none || ++_behind <= MostBehindEnd ? read : throw new EndOfStreamException();
}
