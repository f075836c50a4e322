namespace FedLora.Compression;

/// <summary>The least number of bits that tells which k of n entries are kept, on average over all masks.</summary>
public static class MaskBound
{
    /// <summary>log2 C(length, count), by Stirling's series for log n! (error below 1e-9 from n = 8 on).</summary>
    public static double Bits(long length, long count) =>
        (LogFactorial(length) - LogFactorial(count) - LogFactorial(length - count)) / Math.Log(2);

    private static double LogFactorial(long n)
    {
        if (n < 8)
        {
            var product = 1.0;
            for (var i = 2L; i <= n; i++)
                product *= i;
            return Math.Log(product);
        }

        var inverse = 1.0 / n;
        var square = inverse * inverse;
        return (n * Math.Log(n)) - n + (0.5 * Math.Log(2 * Math.PI * n))
            + (inverse * ((1.0 / 12) - (square * ((1.0 / 360) - (square / 1260)))));
    }
}
