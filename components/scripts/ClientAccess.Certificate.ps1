# Imports the certificate of the namespace, and makes this server's web site show it.

$CertificateCmdlets = 'Get-ExchangeCertificate', 'Import-ExchangeCertificate', 'Enable-ExchangeCertificate'

function New-CertificateReport {
    [ordered]@{
        server          = $env:COMPUTERNAME
        exchangeVersion = $null
        done            = $false
        changed         = $false
        thumbprint      = $null
        subject         = $null
        names           = [string[]]@()
        notAfter        = $null
        status          = $null
        services        = [string[]]@()
        imported        = $false
        enabled         = [string[]]@()
        bindings        = [string[]]@()
        components      = [ordered]@{}
        restarted       = [string[]]@()
        drainedSeconds  = 0
    }
}

# The import disturbs no client, so the server is drained after it.
function Update-Certificate {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    if ($Document.Pfx) {
        $described = Read-Pfx -Document $Document
        $Document.Thumbprint = $described.Thumbprint
        Add-CertificateReport -Report $Report -Certificate $described
    }
    Import-WebAdministration
    $exchange = Connect-Exchange -Document $Document -Cmdlet $CertificateCmdlets
    try {
        Assert-Imported -Exchange $exchange -Name $CertificateCmdlets
        $present = Get-UsableCertificate -Exchange $exchange -Document $Document -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
    $missing = @($Document.Services | Where-Object { $_ -notin $present.Services })
    $shown = Read-SiteCertificate -Site $ClientSite
    $others = @($shown.Keys | Where-Object { $shown[$_] -ne $Document.Thumbprint })
    $isWhole = $missing.Count -eq 0 -and $shown.Count -gt 0 -and $others.Count -eq 0
    $isDue = -not $isWhole -or (Test-Path -LiteralPath (Get-DueRestartPath))
    if ($isDue) { Switch-Certificate -Document $Document -Service $missing -Report $Report }
    # Also after a run that was interrupted while the server was offline.
    if ($Document.Drain -and -not $isDue) { Resume-Server -Document $Document -Report $Report }
    if (-not $isDue) { Write-Note "$($Document.Thumbprint): in use already." }
}

# Enables the certificate and restarts the web site; with drain while this server is offline. A failure leaves the
# server active with what it shows then.
function Switch-Certificate {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Service,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    if ($Document.Drain) { Exit-Rotation -Document $Document -Report $Report }
    $failure = $null
    try {
        Add-DueRestart
        $Report['changed'] = $true
        Enable-Certificate -Document $Document -Service $Service -Report $Report
        # The cookies of OWA are encrypted with the old certificate until IIS restarts.
        Restart-ServerService -Name 'W3SVC' -Report $Report
        Remove-Item -LiteralPath (Get-DueRestartPath)
    } catch {
        $failure = $_
    }
    if ($Document.Drain) {
        try { Resume-Server -Document $Document -Report $Report } catch {
            if ($null -eq $failure) { throw }
            Write-Note $_.Exception.Message
        }
    }
    if ($null -ne $failure) { throw $failure }
}

function Enable-Certificate {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [AllowEmptyCollection()]
        [string[]] $Service,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $backEnd = Read-SiteCertificate -Site $BackEndSite
    foreach ($name in @($backEnd.Keys | Where-Object { -not $backEnd[$_] })) {
        Write-Note "$($BackEndSite.Name), binding ${name}: has no certificate, so OWA and ECP are blank pages here. " +
        'Give it the certificate "Microsoft Exchange" in IIS Manager.'
    }
    $exchange = Connect-AfterRestart -Document $Document -Cmdlet $CertificateCmdlets
    try {
        if ($Service.Count -gt 0) {
            $parameters = @{
                Server           = $exchange.Server
                DomainController = $exchange.DomainController
                Thumbprint       = $Document.Thumbprint
                Services         = $Service -join ','
                # For SMTP the cmdlet asks without it, and for IIS it would make the site require TLS.
                Force            = $true
                DoNotRequireSsl  = $true
                Confirm          = $false
            }
            $remedy = 'Enable-ExchangeCertificate refused it: fix the cause, then run this again.'
            Invoke-Step -Subject $Document.Thumbprint -Remedy $remedy -Step {
                Invoke-ExchangeCmdlet 'Enable-ExchangeCertificate' $parameters | Out-Null
            }
            $Report['enabled'] = $Service
            Write-Note "$($Document.Thumbprint): enabled for $($Service -join ', ')."
        }
        $wanted = [ordered]@{}
        foreach ($name in (Read-SiteCertificate -Site $ClientSite).Keys) { $wanted[$name] = $Document.Thumbprint }
        $Report['bindings'] = [string[]] @(
            Set-SiteCertificate -Site $ClientSite -Thumbprint $wanted
            Set-SiteCertificate -Site $BackEndSite -Thumbprint $backEnd
        )
        Assert-CertificateShown -Exchange $exchange -Document $Document -BackEnd $backEnd -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
}

function Assert-CertificateShown {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Exchange,

        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $BackEnd,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $after = Find-Certificate -Exchange $Exchange -Thumbprint $Document.Thumbprint
    $services = @(if ($null -ne $after) { $after.Services })
    $Report['services'] = [string[]] $services
    $wrong = @($Document.Services | Where-Object { $_ -notin $services } | ForEach-Object { "the service $_" })
    $shown = Read-SiteCertificate -Site $ClientSite
    if ($shown.Count -eq 0) { $wrong += "$($ClientSite.Name), which has no HTTPS binding on port $($ClientSite.Port)" }
    $wrong += @($shown.Keys | Where-Object { $shown[$_] -ne $Document.Thumbprint } | ForEach-Object {
            "$($ClientSite.Name) $_ ($($shown[$_]))"
        })
    $kept = Read-SiteCertificate -Site $BackEndSite
    $wrong += @($BackEnd.Keys | Where-Object { $kept[$_] -ne $BackEnd[$_] } | ForEach-Object {
            "$($BackEndSite.Name) $_, which had $($BackEnd[$_])"
        })
    if ($wrong.Count -gt 0) {
        $failure = @{
            Subject = $Document.Thumbprint
            Cause   = "It was enabled, but these read back otherwise: $($wrong -join '; ')"
            Remedy  = 'Run this again; if it stays so, look at the bindings in IIS Manager there.'
        }
        Stop-Run -ExitCode $RunExitCode.Disagreement -Message (Get-FailureText @failure)
    }
}

# Sets active what the requester Maintenance holds.
function Resume-Server {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)]
        $Document,

        [Parameter(Mandatory)]
        [System.Collections.IDictionary] $Report
    )
    $exchange = Connect-AfterRestart -Document $Document
    try {
        Enable-Component -Exchange $exchange -Report $Report
    } finally {
        Disconnect-Exchange -Exchange $exchange
    }
}

# An empty file, from the moment before the certificate is enabled until W3SVC has restarted.
function Get-DueRestartPath {
    Join-Path (Split-Path -Parent (Get-OriginalsPath)) 'due-restart-w3svc'
}

function Add-DueRestart {
    $path = Get-DueRestartPath
    $remedy = "The certificate was not enabled: let the operator write $path, then run this again."
    Invoke-Step -Subject 'W3SVC' -Remedy $remedy -Step {
        New-Item -ItemType Directory -Path (Split-Path -Parent $path) -Force | Out-Null
        New-Item -ItemType File -Path $path -Force | Out-Null
    }
}
