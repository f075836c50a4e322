namespace FedLora.Server.Stores;

/// <summary>What an append adds to a partial upload.</summary>
internal static class BlobAppend
{
    /// <summary>
    /// The bytes that are beyond what is here: those before are the same, or the whole will have another hash than its name.
    /// </summary>
    /// <param name="offset">Of the first byte.</param>
    /// <param name="bytes">From there on.</param>
    /// <param name="length">Of what is here.</param>
    /// <param name="maxBytes">So long may the upload become.</param>
    /// <exception cref="RefusedException"><c>blob-offset</c>: bytes are missing before these. <c>blob-too-large</c>.</exception>
    internal static ReadOnlyMemory<byte> New(long offset, ReadOnlyMemory<byte> bytes, long length, long maxBytes)
    {
        if (offset < 0 || offset > length)
            throw new RefusedException(RefusalCodes.BlobOffset, $"Bytes came for offset {offset}, the upload is at {length}.",
                "Go on from there.");
        if (offset + bytes.Length > maxBytes)
            throw new RefusedException(RefusalCodes.BlobTooLarge, $"The upload grows beyond {maxBytes} bytes.",
                "Send what the header said.");
        return bytes[(int)Math.Min(length - offset, bytes.Length)..];
    }
}
