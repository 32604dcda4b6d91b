namespace Secrets.Domain;

/// <summary>A row of a list. Lists are ordered by creation, then by id.</summary>
public interface IListed
{
    /// <summary>Breaks ties between rows of the same moment.</summary>
    Guid Id { get; }

    /// <summary>UTC.</summary>
    DateTimeOffset CreatedAt { get; }
}
