namespace FedLora.Training.Privacy;

/// <summary>Gaussian noise from the cryptographic generator, for what is hidden outside a training step.</summary>
public sealed class GaussianNumbers
{
    private readonly GaussianNoise _noise = new(CryptographicRandom.Instance);

    /// <summary>So many independent N(0, deviation^2) in double precision.</summary>
    public double[] Draw(int count, double deviation)
    {
        var numbers = new double[count];
        _noise.Fill(numbers, deviation);
        return numbers;
    }
}
